// Every environment variable pgreel reads: its name, type and default, once. Nothing else reads
// process.env for settings. Must not know: what any setting is used for.
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { z } from 'zod'

const heights = z
  .string()
  .regex(/^\d+(,\d+)*$/)
  .transform(list =>
    list
      .split(',')
      .map(Number)
      .sort((a, b) => b - a),
  )
  .refine(list => list.every(height => height >= 16 && height <= 4320 && height % 2 === 0))

const keepSource = z
  .string()
  .regex(/^(always|never|\d+(\.\d+)?)$/)
  .transform(text => (text === 'always' ? null : text === 'never' ? 0 : Number(text)))
  .refine(days => days === null || days <= 36_500)

const rateLimit = z
  .string()
  .regex(/^(off|[1-9]\d{0,5})$/)
  .transform(text => (text === 'off' ? null : Number(text)))

const webAddress = z.url({ protocol: /^https?$/ }).optional()
const wholeNumber = z.coerce.number().int()

// Each is described by what it must be, which is what the operator reads when it is not.
const environment = z.object({
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .refine(isDecodable)
    .optional()
    .describe(
      'an address such as postgres://user:password@host:5432/database, with %40 for an @ in the password',
    ),
  HOST: z.string().default('127.0.0.1'),
  PORT: wholeNumber.min(1).max(65535).default(3000).describe('a whole number from 1 to 65535'),
  PUBLIC_URL: webAddress.describe('an address such as https://videos.example'),
  DATA_DIR: z.string().default('.data'),
  STORAGE_URL: z.string().optional(),
  MEDIA_BASE_URL: webAddress.describe('an address such as https://cdn.example'),
  FFMPEG_PATH: z.string().optional(),
  FFPROBE_PATH: z.string().optional(),
  MAX_UPLOAD_BYTES: wholeNumber
    .positive()
    .default(4 * 1024 ** 3)
    .describe('a whole number of bytes above 0, such as 4294967296'),
  MAX_DURATION_SECONDS: z.coerce.number().positive().default(3600).describe('a number of seconds above 0'),
  LADDER: heights
    .default([1080, 720, 480, 360, 240])
    .describe('even heights from 16 to 4320 with commas between them, such as 1080,720,480'),
  KEEP_SOURCE: keepSource.default(null).describe('always, never, or a number of days up to 36500'),
  WORKER_CONCURRENCY: wholeNumber.min(1).max(64).optional().describe('a whole number from 1 to 64'),
  STALL_SECONDS: wholeNumber
    .min(1)
    .max(86_400)
    .default(120)
    .describe('a whole number of seconds from 1 to 86400'),
  RATE_LIMIT: rateLimit.default(120).describe('off, or how many uploads one address may begin in an hour'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('one of trace, debug, info, warn, error, silent'),
})

/** The parsed settings. Paths are absolute; sizes in bytes, durations in seconds. */
export interface Config {
  databaseUrl: string | null
  host: string
  port: number
  publicUrl: string | null
  dataDir: string
  storageDir: string
  mediaBaseUrl: string
  ffmpegPath: string | null
  ffprobePath: string | null
  maxUploadBytes: number
  maxDurationSeconds: number
  ladder: number[]
  /** how long a ready video keeps its source; null for ever */
  keepSourceDays: number | null
  workerConcurrency: number
  /** how long FFmpeg may stand still before it is ended */
  stallSeconds: number
  /** how many one address may begin; null for any number */
  uploadsPerHour: number | null
  logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'
}

/** A setting that cannot be used; the message says which and what it should be. */
export class ConfigError extends Error {}

/** Where the embedded Postgres leaves its address (mode 0600) for processes without DATABASE_URL. */
export function embeddedUrlFile(dataDir: string): string {
  return path.join(dataDir, 'postgres-url')
}

/**
 * Reads `.env` beside the project (the environment wins), then the environment.
 * @param root the project's folder: relative paths are taken from it, never from the caller's
 *   working directory, so that web and workers started from different folders share one storage
 * @throws ConfigError naming the variable
 */
export function loadConfig(root: string): Config {
  const file = path.join(root, '.env')
  if (existsSync(file)) process.loadEnvFile(file)
  return parseConfig(process.env, root)
}

export function parseConfig(env: Record<string, string | undefined>, root: string): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const result = environment.safeParse(given)
  if (!result.success) {
    const names = new Set(result.error.issues.map(issue => issue.path[0] as keyof typeof environment.shape))
    const lines = [...names].map(name => `${name}: ${whatIsWrong(name, given[name])}`)
    throw new ConfigError(`These settings cannot be used:\n  ${lines.join('\n  ')}`)
  }
  const e = result.data
  // The comments keep the bundler from taking these folders for part of the program.
  const dataDir = path.resolve(/* turbopackIgnore: true */ root, e.DATA_DIR)
  return {
    databaseUrl: e.DATABASE_URL ?? embeddedUrl(dataDir),
    host: e.HOST,
    port: e.PORT,
    publicUrl: e.PUBLIC_URL?.replace(/\/$/, '') ?? null,
    dataDir,
    storageDir: path.resolve(/* turbopackIgnore: true */ dataDir, e.STORAGE_URL ?? 'storage'),
    mediaBaseUrl: (e.MEDIA_BASE_URL ?? '').replace(/\/$/, ''),
    ffmpegPath: e.FFMPEG_PATH ?? null,
    ffprobePath: e.FFPROBE_PATH ?? null,
    maxUploadBytes: e.MAX_UPLOAD_BYTES,
    maxDurationSeconds: e.MAX_DURATION_SECONDS,
    ladder: e.LADDER,
    keepSourceDays: e.KEEP_SOURCE,
    workerConcurrency: e.WORKER_CONCURRENCY ?? Math.max(1, Math.floor(availableParallelism() / 2)),
    stallSeconds: e.STALL_SECONDS,
    uploadsPerHour: e.RATE_LIMIT,
    logLevel: e.LOG_LEVEL,
  }
}

function whatIsWrong(name: keyof typeof environment.shape, value: string | undefined): string {
  // A password may be in it, wherever it is that somebody put it.
  const given = name === 'DATABASE_URL' ? 'what it is set to' : JSON.stringify(value)
  return `must be ${environment.shape[name].description ?? 'something else'}, not ${given}`
}

/** The driver decodes user, password and database. */
function isDecodable(url: string): boolean {
  try {
    decodeURIComponent(url)
    return true
  } catch {
    return false // URIError, the only thing it throws
  }
}

function embeddedUrl(dataDir: string): string | null {
  const file = embeddedUrlFile(dataDir)
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : null
}

/** The database's address, or an error that says how to give one. */
export function requireDatabaseUrl(config: Config): string {
  if (config.databaseUrl) return config.databaseUrl
  throw new ConfigError(
    'No database: set DATABASE_URL (Postgres 15 or newer), or run `pnpm quickstart`, which brings its own.',
  )
}
