'use client'
// Captions of this and every other video: none, or one of those that it has.
import { useEffect } from 'react'
import { CaptionsIcon } from '#app/icons.tsx'
import { chooseCaptions, chosenOf, nameOf, showCaptions, useCaptionsChoice } from '#app/player/captions.ts'
import { elementOf, type VideoJsPlayer } from '#app/player/create-player.ts'
import type { Video } from '#app/video.ts'
import styles from './player.module.css'

interface CaptionsControlProps {
  player: VideoJsPlayer | null
  video: Video
  /** what lies over the bottom of the picture */
  belowPx: number
}

export function CaptionsControl({ player, video: { captions }, belowPx }: CaptionsControlProps) {
  const chosen = chosenOf(captions, useCaptionsChoice())
  // Each state of the video brings new objects that say the same.
  const wanted = JSON.stringify(chosen)

  useEffect(() => {
    const element = player && elementOf(player)
    const captions: Video['captions'][number] | null = JSON.parse(wanted)
    if (element && captions) return showCaptions(element, captions, belowPx)
  }, [player, wanted, belowPx])

  if (captions.length === 0) return null
  return (
    <span className={styles.control} data-on={chosen !== null || undefined}>
      <CaptionsIcon />
      <select
        aria-label="Captions"
        title="Captions"
        value={chosen ? nameOf(chosen) : ''}
        onChange={event => chooseCaptions(event.target.value)}
      >
        <option value="">No captions</option>
        {captions.map(each => (
          <option key={each.url} value={nameOf(each)} lang={each.language ?? undefined}>
            {each.label}
          </option>
        ))}
      </select>
    </span>
  )
}
