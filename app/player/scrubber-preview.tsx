'use client'
// What is to be seen at a place of the scrubber, and when that is. Screen readers hear the slider's value.
import { clock } from '#app/live/words.ts'
import { type StoryboardTile, tileAt } from '#app/player/storyboard.ts'
import styles from './scrubber.module.css'

interface ScrubberPreviewProps {
  seconds: number
  length: number
  tiles: StoryboardTile[]
}

export function ScrubberPreview({ seconds, length, tiles }: ScrubberPreviewProps) {
  const tile = tileAt(tiles, seconds)
  return (
    <div
      className={styles.preview}
      aria-hidden="true"
      style={{ '--at': seconds / length, '--width': `${tile?.width ?? 0}px` }}
    >
      {tile && (
        <div
          className={styles.tile}
          data-storyboard-tile
          style={{
            width: tile.width,
            height: tile.height,
            backgroundImage: `url("${tile.url}")`,
            backgroundPosition: `${-tile.x}px ${-tile.y}px`,
          }}
        />
      )}
      <span>{clock(seconds)}</span>
    </div>
  )
}
