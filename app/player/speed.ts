'use client'
// How fast videos play: one choice for all of them, until the tab is closed.
import { useEffect } from 'react'
import type { VideoJsPlayer } from '#app/player/create-player.ts'
import { remembered, useRemembered } from '#app/remembered.ts'

export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2]

const choice = remembered('pgreel.speed', () => sessionStorage)

export function useSpeed(): number {
  const kept = Number(useRemembered(choice))
  return SPEEDS.includes(kept) ? kept : 1
}

export function chooseSpeed(speed: number): void {
  choice.choose(String(speed))
}

/** A new source of the same player begins with the default one. */
export function usePlayAtSpeed(player: VideoJsPlayer | null): void {
  const speed = useSpeed()
  useEffect(() => {
    player?.defaultPlaybackRate(speed)
    player?.playbackRate(speed)
  }, [player, speed])
}

/** 1.25 → "1.25×" */
export function speedName(speed: number): string {
  return `${speed}×`
}
