'use client'
// A borrowed player's time with one video inside React: lent when mounted, follows what the page wants,
// given back.
import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { onNextFrame, sourcesOf, type VideoJsPlayer } from '#app/player/create-player.ts'
import { followVideo } from '#app/player/follow-video.ts'
import { type Loan, lendPlayer } from '#app/player/player-pool.ts'
import { followPlayback } from '#app/player/report-playback.ts'
import { blockSound } from '#app/player/sound.ts'
import type { Video } from '#app/video.ts'

interface Wishes {
  isPlaying: boolean
  isMuted: boolean
  /** the browser does not let it start without a gesture, not even in silence */
  onBlocked(): void
}

export interface Playback {
  player: VideoJsPlayer | null
  /** a frame of it is on the screen, so the poster may go */
  hasDrawn: boolean
  isStalled: boolean
  hasFailed: boolean
}

/** A newer publication is no reason to interrupt: followVideo says when it is taken. */
export function usePlayer(holder: RefObject<HTMLElement | null>, video: Video, wishes: Wishes): Playback {
  const [player, setPlayer] = useState<VideoJsPlayer | null>(null)
  const [hasDrawn, setDrawn] = useState(false)
  const [isStalled, setStalled] = useState(false)
  const [hasFailed, setFailed] = useState(false)
  const follow = useRef<((video: Video) => void) | null>(null)
  const latest = useRef({ video, wishes })
  latest.current = { video, wishes }

  useEffect(() => {
    let isOver = false
    let loan: Loan | null = null
    async function borrow() {
      if (!holder.current) return
      const lent = await lendPlayer(holder.current)
      if (isOver) return lent.end()
      loan = lent
      const { player } = lent
      const { video } = latest.current
      const play = () => void start(player, () => !isOver && latest.current.wishes.onBlocked())
      follow.current = followVideo(lent, video, play)
      lent.on('waiting', () => setStalled(true))
      lent.on(['playing', 'pause', 'timeupdate'], () => setStalled(false))
      // The next source, tried after one that failed, does not inherit the play() of the first.
      lent.on('loadedmetadata', () => {
        if (player.paused() && latest.current.wishes.isPlaying) play()
      })
      // After the next source was tried in its place, the error is gone again.
      lent.on('error', () => setTimeout(() => !isOver && player.error() && setFailed(true)))
      player.loop(true)
      player.src(sourcesOf(video))
      onNextFrame(player, () => !isOver && setDrawn(true))
      setPlayer(player)
    }
    borrow().catch(() => !isOver && setFailed(true)) // the player's own code could not be fetched
    return () => {
      isOver = true
      loan?.end()
      setPlayer(null)
      setDrawn(false)
    }
  }, [holder])

  useEffect(() => {
    if (player) follow.current?.(video)
  }, [player, video])

  const { isPlaying, isMuted } = wishes
  // Before the next picture is painted: it may be this one's first.
  useLayoutEffect(() => {
    if (!player) return
    // Before it may sound, and after it has stopped: of two players, never both at once.
    if (!isPlaying) player.pause()
    player.muted(isMuted || !isPlaying)
    if (isPlaying) void start(player, () => latest.current.wishes.onBlocked())
  }, [player, isPlaying, isMuted])

  // From the wish on, though the player's own code may be on its way still; until it is given back.
  const wishedAt = useRef<number | null>(null)
  if (isPlaying) wishedAt.current ??= performance.now()
  const isWished = wishedAt.current !== null
  useEffect(() => {
    if (!player || !isWished) return
    const { id, durationSeconds } = latest.current.video
    return followPlayback(player, { id, durationSeconds }, wishedAt.current ?? undefined)
  }, [player, isWished])

  return { player, hasDrawn, isStalled, hasFailed }
}

async function start(player: VideoJsPlayer, onBlocked: () => void) {
  try {
    await player.play()
  } catch (error) {
    if (!isRefusal(error)) return // AbortError: paused or given back while it was starting
    if (player.muted()) return onBlocked()
    blockSound()
    player.muted(true)
    await start(player, onBlocked)
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'NotAllowedError'
}
