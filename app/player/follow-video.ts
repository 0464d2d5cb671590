// When a player goes on to a newer publication of its video, and how: nobody's playback is cut.
import { elementOf, onNextFrame, sourcesOf, type VideoJsPlayer } from '#app/player/create-player.ts'
import type { Loan } from '#app/player/player-pool.ts'
import type { Video } from '#app/video.ts'

// Players look at a growing list again after its target duration, 4 s at most.
const LOOKS_AGAIN_MS = 5000
const STANDS_MS = 1000

/**
 * - A ladder is taken where the video would begin again.
 * - A growing list whose place another has taken (its worker died) grows no more: the player goes on in
 *   the other at once, where it stands. So it does at the end of a list that does not say that it ends,
 *   and where what it plays is gone.
 * - The list of a first rung under its lasting address is nothing new: it comes before `ready`. Who has
 *   come to its end hears of it with the next look at the growing one, and goes on there only without.
 *
 * @param made what the player was given
 * @param start plays, after the sources were changed
 * @returns takes each newer state of the video
 */
export function followVideo(loan: Loan, made: Video, start: () => void) {
  const { player } = loan
  let video = made
  let playing = made.hlsUrl
  const hasOther = () => video.hlsUrl !== null && video.hlsUrl !== playing
  const hasLadder = () => hasOther() && video.status === 'ready'

  function takeOver(seconds: number) {
    const still = holdPicture(player)
    loan.atEnd(() => still.remove())
    playing = video.hlsUrl
    player.src(sourcesOf(video))
    player.loop(true)
    goOnAt(loan, seconds, () => onNextFrame(player, () => still.remove()))
    start()
  }

  let patience: ReturnType<typeof setTimeout> | undefined
  function consider() {
    // Who does not play is not in a hurry: it is looked at again when they do.
    if (!hasOther() || player.paused()) return
    const isSuperseded = isGrowing(playing) && isGrowing(video.hlsUrl)
    if (isSuperseded || (hasLadder() && hasRunDry(player))) goOnInOther()
    else if (hasRunDry(player)) {
      // Not begun anew with each state of the video: while its ladder is made, they come every second.
      patience ??= setTimeout(() => {
        patience = undefined
        if (hasOther() && hasRunDry(player)) goOnInOther()
      }, LOOKS_AGAIN_MS)
    }
  }
  const goOnInOther = () => takeOver(player.currentTime() ?? 0)

  // VHS does not take an end that it hears of after the last segment: it asks itself when it appends one.
  let standing: ReturnType<typeof setTimeout> | undefined
  function endWhereItStands() {
    clearTimeout(standing)
    standing = setTimeout(() => {
      if (!standsAtEnd(player)) return
      if (hasLadder()) takeOver(0)
      else if (player.loop()) player.currentTime(0)
      else player.trigger('ended')
    }, STANDS_MS)
  }

  loan.on(['play', 'waiting'], consider)
  loan.on(['waiting', 'durationchange'], endWhereItStands)
  loan.on('ended', () => hasLadder() && takeOver(0))
  loan.on('error', () => hasOther() && goOnInOther())
  loan.atEnd(() => [patience, standing].forEach(clearTimeout))
  return (newer: Video) => {
    video = newer
    // What loops does not end.
    player.loop(!hasLadder())
    consider()
  }
}

/** How many seconds of the video there are by now; null before that is known. */
export function reachOf(player: VideoJsPlayer): number | null {
  const seekable = player.seekable()
  return seekable.length > 0 ? seekable.end(seekable.length - 1) : null
}

/** @param tell called once it is there, or as near as it gets */
function goOnAt({ player, atEnd }: Loan, seconds: number, tell: () => void) {
  // Of a growing list, the element can seek in the parts that have arrived, and says when one has;
  // video.js, to which the duration is infinite all the while, does not.
  const element = elementOf(player)
  function goOn() {
    const reach = reachOf(player) ?? 0
    if (seconds > 0) player.currentTime(Math.min(seconds, reach))
    if (reach < seconds && !isWhole(player)) return
    element?.removeEventListener('durationchange', goOn)
    tell()
  }
  const begin = () => {
    element?.addEventListener('durationchange', goOn)
    goOn()
  }
  player.one('loadedmetadata', begin)
  atEnd(() => {
    player.off('loadedmetadata', begin)
    element?.removeEventListener('durationchange', goOn)
  })
}

/** Whether a list was made to be read again: see hlsUrl in app/video-json.ts. */
function isGrowing(hlsUrl: string | null): boolean {
  return hlsUrl?.includes('/publications/') ?? false
}

/** All there is was played, and the list does not say that it ends there. */
function hasRunDry(player: VideoJsPlayer): boolean {
  if (isWhole(player) || player.readyState() > HTMLMediaElement.HAVE_CURRENT_DATA) return false
  return (player.currentTime() ?? 0) > (reachOf(player) ?? Infinity) - 0.5
}

/** All of a whole list was played, and that was not taken for the end. */
function standsAtEnd(player: VideoJsPlayer): boolean {
  if (!isWhole(player) || player.paused() || player.ended()) return false
  if (player.readyState() > HTMLMediaElement.HAVE_CURRENT_DATA) return false
  return (player.currentTime() ?? 0) > (player.duration() ?? Infinity) - 0.5
}

/** Of a list that may still grow players know no duration. */
function isWhole(player: VideoJsPlayer): boolean {
  return Number.isFinite(player.duration())
}

/** Changing the sources empties the stage. @returns what was on it, to stand there until it is removed */
function holdPicture(player: VideoJsPlayer): HTMLCanvasElement {
  const still = document.createElement('canvas')
  const element = elementOf(player)
  if (element) {
    still.width = element.videoWidth
    still.height = element.videoHeight
    still.getContext('2d')?.drawImage(element, 0, 0)
    element.after(still)
  }
  return still
}
