// Files of a corpus, broken at random: each has to end somehow, and hurt nobody.
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Video } from '#app/video.ts'
import { Sentence } from '#cli/say.ts'
import { type Judged, judgePublished } from './corpus-judge.ts'
import { type CorpusWorld, send, settle } from './corpus-world.ts'
import type { Figure } from './figures.ts'
import { mutate } from './mutants.ts'
import { generator } from './random.ts'

const AT_ONCE = 4
const LARGEST_BYTES = 4e6

export async function tryMutants(world: CorpusWorld, files: string[], count: number): Promise<Figure[]> {
  const { context } = world
  const random = generator(context.seed ?? 1)
  const sources: { name: string; bytes: Buffer }[] = []
  for (const file of files) {
    const { size } = await stat(file)
    if (size <= LARGEST_BYTES) sources.push({ name: path.basename(file), bytes: await readFile(file) })
  }
  const ends = new Map<string, number>()
  let [tried, finals, played, unplayable] = [0, 0, 0, 0]
  const one = async () => {
    while (tried < count) {
      tried += 1
      const source = random.pick(sources)
      if (!source) throw new Sentence(`There is no file of at most ${LARGEST_BYTES / 1e6} MB.`)
      const { name, bytes } = mutate(source.bytes, random)
      const what = `mutant ${tried}, ${source.name}, ${name}`
      const { id, status } = await send(world, bytes, `${source.name}.mp4`)
      const result = id ? await settle(world, id) : null
      const end = result ? (result.video.error?.code ?? result.video.status) : `refused ${status}`
      if (result || !id) finals += 1
      else context.say(`WRONG: ${what}: came to no end`)
      if (result?.video.status === 'ready') {
        played += 1
        const faults = await decodes(result.video)
        if (faults.length > 0) unplayable += 1
        for (const fault of faults) context.say(`WRONG: ${what}: ${fault}`)
      } else if (result && ['gave_up', 'cancelled', ''].includes(end)) {
        context.say(`WRONG: ${what}: ${end}`)
        finals -= 1
      }
      ends.set(end, (ends.get(end) ?? 0) + 1)
      if (id) await fetch(`${world.url}/api/videos/${id}`, { method: 'DELETE' })
      if (tried % 50 === 0) context.say(`${tried} mutants`)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
  for (const [end, times] of [...ends].sort()) context.say(`${String(times).padStart(5)} × ${end}`)
  return [
    { figure: 'mutants', value: tried, unit: '', bound: { atLeast: count } },
    { figure: 'in a final state', value: (100 * finals) / tried, unit: '%', bound: { atLeast: 100 } },
    { figure: 'of them play', value: played, unit: '', bound: null },
    { figure: 'published, but do not decode cleanly', value: unplayable, unit: '', bound: { atMost: 0 } },
  ]
}

/** As far as nobody knows what there should be: that it decodes, and all rungs are alike. */
async function decodes({ hlsUrl, mp4Url }: Video): Promise<string[]> {
  const unknown = { pictures: 0, pictureSeconds: Number.NaN, soundSeconds: Number.NaN }
  const source: Judged = { ...unknown, kind: 'video', claimsMore: false, lufs: null }
  return (await judgePublished(hlsUrl ?? '', mp4Url, source)).filter(fault => !/sound is missing/.test(fault))
}
