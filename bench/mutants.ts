// Files that are broken in ways that files break: cut off, bits flipped, boxes of an MP4 in another order,
// twice, missing, or with other numbers in them. Pure: the same random numbers, the same mutant.
import type { Random } from './random.ts'

type Mutate = (bytes: Buffer, random: Random) => Buffer

const MUTATIONS: { name: string; weight: number; mutate: Mutate }[] = [
  { name: 'cut', weight: 3, mutate: cut },
  { name: 'flipped', weight: 4, mutate: flip },
  { name: 'boxes', weight: 3, mutate: shuffleBoxes },
  { name: 'numbers', weight: 3, mutate: changeNumbers },
]

/** @returns another file each time, and what was done to it */
export function mutate(bytes: Buffer, random: Random): { name: string; bytes: Buffer } {
  const { name, mutate: change } = random.weighted(MUTATIONS)
  return { name, bytes: change(Buffer.from(bytes), random) }
}

function below(limit: number, random: Random): number {
  return Math.floor(random.next() * limit)
}

function cut(bytes: Buffer, random: Random): Buffer {
  return bytes.subarray(0, below(bytes.length, random))
}

/** Most of them near the front, where headers are. */
function flip(bytes: Buffer, random: Random): Buffer {
  const flips = 1 + below(40, random)
  const reach = random.next() < 0.5 ? Math.min(bytes.length, 4096) : bytes.length
  for (let count = 0; count < flips; count++) {
    const at = below(reach, random)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8, random))
  }
  return bytes
}

const CONTAINERS = ['moov', 'trak', 'mdia', 'minf', 'stbl', 'edts', 'moof', 'traf', 'mvex']

interface BoxAt {
  start: number
  end: number
  type: string
}

/** Every box of an MP4, outer ones first; of anything else, nothing. */
function findBoxes(bytes: Buffer, start = 0, end = bytes.length): BoxAt[] {
  const found: BoxAt[] = []
  for (let at = start; at + 8 <= end; ) {
    const size = bytes.readUInt32BE(at)
    const box = { start: at, end: at + size, type: bytes.toString('latin1', at + 4, at + 8) }
    if (size < 8 || box.end > end || !/^[\w ©-]{4}$/.test(box.type)) break
    found.push(box)
    if (CONTAINERS.includes(box.type)) found.push(...findBoxes(bytes, at + 8, box.end))
    at = box.end
  }
  return found
}

/** One box goes, comes twice, or stands at another's place; sizes of what is around it stay as they were. */
function shuffleBoxes(bytes: Buffer, random: Random): Buffer {
  const boxes = findBoxes(bytes)
  const [box, other] = [random.pick(boxes), random.pick(boxes)]
  if (!box || !other) return flip(bytes, random)
  const [before, own, after] = [
    bytes.subarray(0, box.start),
    bytes.subarray(box.start, box.end),
    bytes.subarray(box.end),
  ]
  const way = below(3, random)
  if (way === 0) return Buffer.concat([before, after])
  if (way === 1) return Buffer.concat([before, own, own, after])
  const rest = Buffer.concat([before, after])
  const at = Math.min(other.start, rest.length)
  return Buffer.concat([rest.subarray(0, at), own, rest.subarray(at)])
}

const NUMBERS = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]

/** Numbers in small boxes: counts, sizes, offsets, durations, dimensions. */
function changeNumbers(bytes: Buffer, random: Random): Buffer {
  const boxes = findBoxes(bytes).filter(({ type }) => !CONTAINERS.includes(type) && type !== 'mdat')
  if (boxes.length === 0) return flip(bytes, random)
  const changes = 1 + below(3, random)
  for (let count = 0; count < changes; count++) {
    const box = random.pick(boxes)
    const places = box ? Math.floor((box.end - box.start - 8) / 4) : 0
    if (!box || places === 0) continue
    // The first ones are what counts the others.
    const place = random.next() < 0.6 ? below(Math.min(places, 6), random) : below(places, random)
    bytes.writeUInt32BE(random.pick(NUMBERS) ?? 0, box.start + 8 + place * 4)
  }
  return bytes
}
