// What a backup says about itself. Read as if anyone could have written it.
//
//   manifest.json  SHA256SUMS (of all below, for `sha256sum -c`)  tables/<name>.copy.gz  media/<storage key>
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { ownerOf } from '#media/keys.ts'
import { Sentence } from '../say.ts'

export const FORMAT = 1
export const SUMS = 'SHA256SUMS'
const MANIFEST = 'manifest.json'

const manifestSchema = z.object({
  format: z.literal(FORMAT),
  /** the version that made it */
  pgreel: z.string(),
  takenAt: z.iso.datetime(),
  storageId: z.uuid().nullable(),
  /** those that the database had run, in order */
  migrations: z.array(z.string()).min(1),
  tables: z.array(
    z.object({ name: z.string(), columns: z.array(z.string()).min(1), rows: z.number().int().min(0) }),
  ),
  /** videos deleted between the rows and their files: rows without files, to be left out */
  goneMeanwhile: z.array(z.uuid()),
  /** files that the rows name and the storage did not have */
  missing: z.array(z.string()),
  files: z.number().int(),
  bytes: z.number().int(),
  /** SHA-256 of SHA256SUMS */
  sums: z.string(),
})

export type Manifest = z.output<typeof manifestSchema>

export const tableFile = (name: string) => `tables/${name}.copy.gz`
export const mediaFile = (key: string) => `media/${key}`
export const manifestFile = (folder: string) => path.join(folder, MANIFEST)

/** @throws Sentence when there is none, or one of another format */
export async function readManifest(folder: string): Promise<Manifest> {
  const text = await readFile(manifestFile(folder), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw error
  })
  if (text === null) throw new Sentence(`${folder} is no backup: it has no ${MANIFEST}.`)
  const parsed = manifestSchema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  throw new Sentence(
    `${manifestFile(folder)} is damaged, or of a newer pgreel: restore it with that version, or use another backup.`,
  )
}

/**
 * Reads every file of a backup.
 * @returns the storage keys in it
 * @throws Sentence naming the first that is not as it was written
 */
export async function verify(folder: string, manifest: Manifest, signal: AbortSignal): Promise<string[]> {
  await requireSum(folder, SUMS, manifest.sums, signal)
  const keys: string[] = []
  const tables = new Set(manifest.tables.map(({ name }) => tableFile(name)))
  for (const line of (await readFile(path.join(folder, SUMS), 'utf8')).split('\n').filter(Boolean)) {
    const [, sum = '', name = ''] = /^([0-9a-f]{64}) {2}(\S+)$/.exec(line) ?? []
    const key = name.startsWith(mediaFile('')) ? name.slice(mediaFile('').length) : null
    // Nothing is ever read or written outside, whatever the list says.
    if (!tables.delete(name) && (key === null || ownerOf(key) === null))
      throw new Sentence(`${SUMS} in ${folder} lists ${name || line}, which is no part of a backup.`)
    await requireSum(folder, name, sum, signal)
    if (key !== null) keys.push(key)
  }
  const [unlisted] = tables
  if (unlisted) throw new Sentence(`${unlisted} is missing from ${SUMS} in ${folder}.`)
  return keys
}

async function requireSum(folder: string, name: string, sum: string, signal: AbortSignal): Promise<void> {
  const found = await sumOf(path.join(folder, name), signal).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT')
      throw new Sentence(`${name} is missing from the backup ${folder}: use another backup.`)
    throw error
  })
  if (found !== sum)
    throw new Sentence(
      `${name} in the backup ${folder} is damaged (its SHA-256 is another): use another backup.`,
    )
}

export async function sumOf(file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash, { signal })
  return hash.digest('hex')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}
