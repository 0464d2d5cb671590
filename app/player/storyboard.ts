'use client'
// The storyboard's pictures for the scrubber: which tile of which sprite shows a moment. Fetched once
// somebody reaches for the scrubber.
import { useEffect, useState } from 'react'
import type { Tile } from '#media/webvtt.ts'

export interface StoryboardTile extends Tile {
  /** of the sprite it lies in */
  url: string
}

/** One cue: `00:00:02.000 --> 00:00:04.000`, and on the next line `storyboard.jpg#xywh=160,0,160,90`. */
const CUE = /^([\d:.]+) --> ([\d:.]+).*\n(\S+)#xywh=(?:pixel:)?(\d+),(\d+),(\d+),(\d+)$/gm

/** Pure. @param address of the WebVTT: sprites are named relative to it */
export function parseStoryboard(text: string, address: string): StoryboardTile[] {
  return [...text.replaceAll('\r\n', '\n').matchAll(CUE)].map(
    ([, start = '', end = '', sprite = '', x, y, width, height]) => ({
      ...{ startSeconds: secondsOf(start), endSeconds: secondsOf(end), url: new URL(sprite, address).href },
      ...{ x: Number(x), y: Number(y), width: Number(width), height: Number(height) },
    }),
  )
}

/** The last one that has begun by then; times are in order. */
export function tileAt(tiles: StoryboardTile[], seconds: number): StoryboardTile | null {
  return tiles.findLast(({ startSeconds }) => startSeconds <= seconds) ?? tiles[0] ?? null
}

/** "01:02.5" or "01:00:02.500" */
function secondsOf(timestamp: string): number {
  return timestamp.split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
}

const NONE: StoryboardTile[] = []

/** @param isWanted nothing is fetched before */
export function useStoryboard(url: string | null, isWanted: boolean): StoryboardTile[] {
  const [tiles, setTiles] = useState(NONE)
  useEffect(() => {
    if (!url || !isWanted) return
    const leaving = new AbortController()
    load(url, leaving.signal).then(setTiles, () => {
      // Without pictures the time alone has to do.
    })
    return () => leaving.abort()
  }, [url, isWanted])
  return tiles
}

async function load(url: string, signal: AbortSignal): Promise<StoryboardTile[]> {
  const response = await fetch(url, { signal })
  if (!response.ok) return NONE
  const tiles = parseStoryboard(await response.text(), response.url)
  // Before the first is shown, so that no empty frame is.
  for (const sprite of new Set(tiles.map(tile => tile.url))) new Image().src = sprite
  return tiles
}
