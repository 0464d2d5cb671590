'use client'
// What each command does to the video that is watched, whether a key or a button gave it.
import type { RefObject } from 'react'
import { chooseCaptions, chosenOf, likeliestOf, nameOf, useCaptionsChoice } from '#app/player/captions.ts'
import type { VideoJsPlayer } from '#app/player/create-player.ts'
import { reachOf } from '#app/player/follow-video.ts'
import { toggleFullScreen } from '#app/player/full-screen.ts'
import { setLiked, useLikes } from '#app/player/like.ts'
import type { Command } from '#app/player/shortcuts.ts'
import { toggleSound } from '#app/player/sound.ts'
import { hasSound } from '#app/player/sound-button.tsx'
import type { Video } from '#app/video.ts'

/** The others are the page's, which knows what comes next and whether it plays. */
type OwnCommand = Exclude<Command, 'next' | 'previous' | 'toggle'>

interface CommandContext {
  root: RefObject<HTMLElement | null>
  video: Video
  player: VideoJsPlayer | null
  say(text: string): void
  showHelp(): void
}

export function useCommands(context: CommandContext): Record<OwnCommand, () => void> {
  const { root, video, player, say, showHelp } = context
  const known = useLikes(video)
  const captions = chosenOf(video.captions, useCaptionsChoice())

  function switchCaptions() {
    if (captions) {
      chooseCaptions('')
      return say('Captions off')
    }
    const likeliest = likeliestOf(video.captions, navigator.languages)
    if (!likeliest) return say('No captions')
    chooseCaptions(nameOf(likeliest))
    say(`Captions: ${likeliest.label}`)
  }

  async function like() {
    if (!known) return
    const problem = await setLiked(video, !known.liked)
    if (problem) say(problem)
  }

  return {
    back: () => seekBy(player, -1, video.durationSeconds),
    forward: () => seekBy(player, 1, video.durationSeconds),
    sound: () => say(hasSound(video) ? `Sound ${toggleSound() ? 'on' : 'off'}` : 'No sound'),
    captions: switchCaptions,
    fullScreen: () => root.current && toggleFullScreen(root.current),
    like: () => void like(),
    help: showHelp,
  }
}

/** By five seconds, or by a tenth where that is less; not past what is there by now. */
function seekBy(player: VideoJsPlayer | null, direction: -1 | 1, durationSeconds: number | null) {
  const reach = player && reachOf(player)
  if (!player || reach === null) return
  const step = Math.min(5, (durationSeconds ?? Infinity) / 10)
  player.currentTime(Math.max(0, Math.min((player.currentTime() ?? 0) + direction * step, reach)))
}
