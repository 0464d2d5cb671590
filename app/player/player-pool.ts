// The page's few players: made once, lent to whichever videos are near, and never thrown away. Memory
// stays flat however many videos are watched, and iOS, which lets an element sound only after a gesture
// on it, meets the same elements again.
import {
  createPlayer,
  elementOf,
  loadVideoJs,
  unload,
  type VideoJsPlayer,
} from '#app/player/create-player.ts'
import { onSoundChange } from '#app/player/sound.ts'

/** A player while it is lent: what listens to it for one video must not hear the next. */
export interface Loan {
  player: VideoJsPlayer
  on(events: string | string[], listener: () => void): void
  /** called when the player is given back */
  atEnd(undo: () => void): void
  end(): void
}

const players: VideoJsPlayer[] = []
const idle: VideoJsPlayer[] = []
let shelf: HTMLElement | null = null

/** @param holder where its element stands while it is lent */
export async function lendPlayer(holder: HTMLElement): Promise<Loan> {
  const library = await loadVideoJs()
  const player = idle.pop() ?? makePlayer(library)
  holder.append(player.el())
  return loanOf(player)
}

function makePlayer(library: Awaited<ReturnType<typeof loadVideoJs>>): VideoJsPlayer {
  shelf ??= document.body.appendChild(Object.assign(document.createElement('div'), { hidden: true }))
  const player = createPlayer(library, shelf)
  if (players.push(player) === 1) onSoundChange(allowSound)
  return player
}

function loanOf(player: VideoJsPlayer): Loan {
  const undos: (() => void)[] = []
  return {
    player,
    on(events, listener) {
      player.on(events, listener)
      undos.push(() => player.off(events, listener))
    },
    atEnd: undo => void undos.push(undo),
    end() {
      for (const undo of undos) undo()
      player.muted(true)
      player.error(null)
      unload(player)
      shelf?.append(player.el())
      idle.push(player)
    },
  }
}

/** Within the gesture that changes the sound: touched once, each element may sound later (WebKit). */
function allowSound() {
  for (const player of players) {
    const element = elementOf(player)
    if (!element?.muted) continue
    element.muted = false
    element.muted = true
  }
}
