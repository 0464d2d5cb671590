'use client'
// Captions of this and every other video: none, or those of one language that it has.
import { useEffect } from 'react'
import { CaptionsIcon } from '#app/icons.tsx'
import {
  type Covered,
  chooseCaptions,
  chosenOf,
  nameOf,
  showCaptions,
  useCaptionsChoice,
} from '#app/player/captions.ts'
import { elementOf, type VideoJsPlayer } from '#app/player/create-player.ts'
import { MenuButton, type MenuPart } from '#app/ui/menu-button.tsx'
import type { CaptionsJson, Video } from '#app/video.ts'

interface CaptionsMenuProps {
  video: Video
  className: string | undefined
  side: 'top' | 'left' | 'right'
}

/** Not there where there is nothing to choose. */
export function CaptionsMenu({ video: { captions }, className, side }: CaptionsMenuProps) {
  const chosen = chosenOf(captions, useCaptionsChoice())
  if (captions.length === 0) return null
  const part: MenuPart = {
    kind: 'choice',
    label: 'Captions',
    value: chosen ? nameOf(chosen) : '',
    options: [
      { value: '', label: 'Off' },
      ...captions.map(each => ({
        value: nameOf(each),
        label: each.label,
        lang: each.language ?? undefined,
      })),
    ],
    choose: chooseCaptions,
  }
  return (
    <MenuButton
      label="Captions"
      icon={<CaptionsIcon />}
      className={className}
      parts={[part]}
      side={side}
      isOn={chosen !== null}
    />
  )
}

/** @param covered what lies over the picture, asked when somebody chooses */
export function useCaptions(player: VideoJsPlayer | null, { captions }: Video, covered: () => Covered): void {
  const chosen = chosenOf(captions, useCaptionsChoice())
  // Each state of the video brings new objects that say the same.
  const wanted = JSON.stringify(chosen)
  useEffect(() => {
    const element = player && elementOf(player)
    const captions: CaptionsJson | null = JSON.parse(wanted)
    if (element && captions) return showCaptions(element, captions, covered())
  }, [player, wanted])
}
