// People who upload, again and again, and some who change their mind; what they were promised is noted.
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { makeClip } from '#test/clips.ts'
import type { World } from './chaos-world.ts'
import type { BenchContext } from './context.ts'
import type { Random } from './random.ts'
import { stubbornUpload } from './stubborn-upload.ts'

const CROWD = { people: 3, mostUnfinished: 12 }

interface Promised {
  /** unknown: it was asked to be deleted, and no answer came */
  wish: 'kept' | 'deleted' | 'unknown'
  faults: string[]
}

export class Uploaders {
  /** whose last byte was acknowledged, by id */
  readonly done = new Map<string, Promised>()
  /** requests that are to break off in their middle */
  cuts = 0
  /** how often an upload went on at what had come of a request that broke off */
  resumed = 0
  #isOver = false
  readonly #people: Promise<unknown>

  constructor(context: BenchContext, world: World, random: Random, crowd = CROWD) {
    this.#people = this.#begin(context, world, random, crowd)
  }

  async #begin(context: BenchContext, world: World, random: Random, crowd: typeof CROWD): Promise<void> {
    const clips = await makeClips(world)
    const person = async () => {
      while (!this.#isOver) {
        await this.#waitForOthers(context, world, crowd.mostUnfinished)
        const bytes = random.pick(clips)
        if (!bytes) return
        const { id, faults, resumed } = await stubbornUpload(
          context,
          bytes,
          async () => world.web.url,
          () => this.#takeCut(),
        )
        this.done.set(id, { wish: 'kept', faults })
        this.resumed += resumed
      }
    }
    await Promise.all(Array.from({ length: crowd.people }, person))
  }

  /** Uploads that are under way come to their end. */
  async stop(): Promise<void> {
    this.#isOver = true
    await this.#people
  }

  #takeCut(): boolean {
    if (this.cuts === 0) return false
    this.cuts -= 1
    return true
  }

  /** Else the queue would grow for as long as it is hurt. */
  async #waitForOthers({ signal }: BenchContext, { stack }: World, most: number): Promise<void> {
    for (;;) {
      const unfinished = await stack.db
        .selectFrom('videos')
        .select('id')
        .where('status', 'in', ['queued', 'processing'])
        .execute()
        .catch(() => null)
      if (this.#isOver || (unfinished && unfinished.length < most)) return
      await delay(200, undefined, { signal })
    }
  }
}

/** Two that are cut as they are, one that has to be encoded, one without sound. */
async function makeClips({ stack: { dataDir } }: World): Promise<Uint8Array<ArrayBuffer>[]> {
  const made = [
    await makeClip(dataDir, 'a.mp4', { seconds: 2 }),
    await makeClip(dataDir, 'b.mp4', { seconds: 5 }),
    await makeClip(dataDir, 'c.webm', {
      seconds: 2,
      options: ['-c:v', 'libvpx', '-deadline', 'realtime', '-c:a', 'libopus'],
    }),
    await makeClip(dataDir, 'd.mp4', { seconds: 3, hasAudio: false }),
  ]
  return Promise.all(made.map(async file => new Uint8Array(await readFile(file))))
}
