'use client'
// Full screen: the whole stage, so that everything laid over the video comes along. On an iPhone only
// the bare video can, with the system's own controls.
import { useSyncExternalStore } from 'react'

/** What fills the screen, of all that is around an element. */
const STAGE = '[data-full-screen]'

export function useFullScreen(): boolean {
  return useSyncExternalStore(
    subscribe,
    () => document.fullscreenElement !== null,
    () => false,
  )
}

/** @param inside anything within the stage, beside the video */
export function toggleFullScreen(inside: Element): void {
  const stage = inside.closest(STAGE)
  if (document.fullscreenElement) void document.exitFullscreen()
  else if (document.fullscreenEnabled) void stage?.requestFullscreen()
  else {
    const video: (HTMLVideoElement & { webkitEnterFullscreen?(): void }) | null =
      inside.parentElement?.querySelector('video') ?? null
    video?.webkitEnterFullscreen?.()
  }
}

function subscribe(listener: () => void): () => void {
  document.addEventListener('fullscreenchange', listener)
  return () => document.removeEventListener('fullscreenchange', listener)
}
