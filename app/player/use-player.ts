'use client'
// A video.js player's life inside React: made when mounted, follows what the page wants, disposed of.
import { type RefObject, useEffect, useRef, useState } from 'react'
import { createPlayer, loadVideoJs, onNextFrame, type VideoJsPlayer } from '#app/player/create-player.ts'
import { followVideo } from '#app/player/follow-video.ts'
import { followPlayback } from '#app/player/report-playback.ts'
import { blockSound } from '#app/player/sound.ts'
import type { Video } from '#app/video.ts'

interface Wishes {
  isPlaying: boolean
  isMuted: boolean
  loops: boolean
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
    let isGone = false
    let made: VideoJsPlayer | null = null
    async function make() {
      const library = await loadVideoJs()
      if (isGone || !holder.current) return
      const { video, wishes } = latest.current
      const { loops, isMuted } = wishes
      const player = createPlayer(library, holder.current, { video, isMuted, loops })
      made = player
      const play = () => void start(player, () => latest.current.wishes.onBlocked())
      follow.current = followVideo(player, video, loops, play)
      onNextFrame(player, () => !isGone && setDrawn(true))
      player.on('waiting', () => setStalled(true))
      player.on(['playing', 'pause', 'timeupdate'], () => setStalled(false))
      // The next source, tried after one that failed, does not inherit the play() of the first.
      player.on('loadedmetadata', () => {
        if (player.paused() && latest.current.wishes.isPlaying) play()
      })
      // After the next source was tried in its place, the error is gone again.
      player.on('error', () => setTimeout(() => !isGone && player.error() && setFailed(true)))
      setPlayer(player)
    }
    make().catch(() => !isGone && setFailed(true)) // the player's own code could not be fetched
    return () => {
      isGone = true
      made?.dispose()
      setPlayer(null)
      setDrawn(false)
    }
  }, [holder])

  useEffect(() => {
    if (player) follow.current?.(video)
  }, [player, video])

  const { isPlaying, isMuted } = wishes
  useEffect(() => {
    player?.muted(isMuted)
  }, [player, isMuted])

  useEffect(() => {
    if (!player) return
    if (isPlaying) void start(player, () => latest.current.wishes.onBlocked())
    else player.pause()
  }, [player, isPlaying])

  // From the wish on, though the player's own code may be on its way still; until it is disposed of.
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
    if (!isRefusal(error)) return // AbortError: paused or disposed of while it was starting
    if (player.muted()) return onBlocked()
    blockSound()
    player.muted(true)
    await start(player, onBlocked)
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'NotAllowedError'
}
