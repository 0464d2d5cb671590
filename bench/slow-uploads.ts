// People on slow lines: uploads at a steady pace, one after the other on each line. A process of its
// own, so that they take nothing from the clock of bench/upload.ts, which says by messages when they
// pause; ends with it.
import { setTimeout as delay } from 'node:timers/promises'
import { CHUNK_BYTES, upload } from './tus-client.ts'

const [, , endpoint = '', lines = '', bytesPerSecond = ''] = process.argv
let isPaused = true
process.on('message', message => {
  isPaused = message === 'pause'
})
process.once('disconnect', () => process.exit())

/** Holds a line back to its speed; what it missed in a pause it does not make up for. */
function makePace(): (bytes: number) => Promise<void> {
  let next = performance.now()
  return async bytes => {
    do await delay(Math.max(0, next - performance.now()))
    while (isPaused && (await delay(20, true)))
    next = Math.max(next, performance.now() - 200) + (bytes / Number(bytesPerSecond)) * 1000
  }
}

async function line(index: number): Promise<void> {
  const pace = makePace()
  // Of different lengths, so that they do not all begin and end at once.
  const bytes = Math.floor(CHUNK_BYTES * (0.5 + index / Number(lines)))
  for (;;) await upload({ endpoint, bytes, pace })
}

await Promise.all(Array.from({ length: Number(lines) }, (_, index) => line(index)))
