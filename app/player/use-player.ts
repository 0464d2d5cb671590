'use client'
// A video.js player's life inside React: made when mounted, follows what the page wants, disposed of.
import { type RefObject, useEffect, useRef, useState } from 'react'
import { createPlayer, loadVideoJs, type VideoJsPlayer } from '#app/player/create-player.ts'
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

/** Keeps the sources it began with: a newer publication is no reason to interrupt. Remount to change. */
export function usePlayer(holder: RefObject<HTMLElement | null>, video: Video, wishes: Wishes): Playback {
  const [player, setPlayer] = useState<VideoJsPlayer | null>(null)
  const [hasDrawn, setDrawn] = useState(false)
  const [isStalled, setStalled] = useState(false)
  const [hasFailed, setFailed] = useState(false)
  const first = useRef({ video, wishes })
  const latest = useRef(wishes)
  latest.current = wishes

  useEffect(() => {
    let isGone = false
    let made: VideoJsPlayer | null = null
    async function make() {
      const library = await loadVideoJs()
      if (isGone || !holder.current) return
      const { loops } = first.current.wishes
      made = createPlayer(library, holder.current, {
        video: first.current.video,
        isMuted: latest.current.isMuted,
        loops,
      })
      onFirstFrame(made, () => !isGone && setDrawn(true))
      made.on('waiting', () => setStalled(true))
      made.on(['playing', 'pause', 'timeupdate'], () => setStalled(false))
      // The next source, tried after one that failed, does not inherit the play() of the first.
      made.on('loadedmetadata', () => {
        if (made?.paused() && latest.current.isPlaying) void start(made, () => latest.current.onBlocked())
      })
      // After the next source was tried in its place, the error is gone again.
      made.on('error', () => setTimeout(() => !isGone && made?.error() && setFailed(true)))
      setPlayer(made)
    }
    make().catch(() => !isGone && setFailed(true)) // the player's own code could not be fetched
    return () => {
      isGone = true
      made?.dispose()
      setPlayer(null)
      setDrawn(false)
    }
  }, [holder])

  const { isPlaying, isMuted } = wishes
  useEffect(() => {
    player?.muted(isMuted)
  }, [player, isMuted])

  useEffect(() => {
    if (!player) return
    if (isPlaying) void start(player, () => latest.current.onBlocked())
    else player.pause()
  }, [player, isPlaying])

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

function onFirstFrame(player: VideoJsPlayer, tell: () => void) {
  const element = player.el().querySelector('video')
  // "playing" comes before the picture; this comes with it, also for a player that is still paused.
  if (element && 'requestVideoFrameCallback' in element) element.requestVideoFrameCallback(tell)
  else player.one('timeupdate', tell)
}
