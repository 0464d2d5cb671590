import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ConfigError, embeddedUrlFile, parseConfig, requireDatabaseUrl } from '#config'

const root = '/srv/pgreel'

describe('without any setting', () => {
  test('the defaults of the README hold', () => {
    expect(parseConfig({}, root)).toEqual({
      databaseUrl: null,
      host: '127.0.0.1',
      port: 3000,
      publicUrl: null,
      dataDir: '/srv/pgreel/.data',
      storageDir: '/srv/pgreel/.data/storage',
      mediaBaseUrl: '',
      ffmpegPath: null,
      ffprobePath: null,
      maxUploadBytes: 4 * 1024 ** 3,
      maxDurationSeconds: 3600,
      ladder: [1080, 720, 480, 360, 240],
      keepSourceDays: null,
      workerConcurrency: expect.any(Number),
      stallSeconds: 120,
      uploadsPerHour: 120,
      logLevel: 'info',
    })
  })

  test('at least one ladder slot exists', () => {
    expect(parseConfig({}, root).workerConcurrency).toBeGreaterThanOrEqual(1)
  })

  test('a missing database says how to give one', () => {
    expect(() => requireDatabaseUrl(parseConfig({}, root))).toThrow(/DATABASE_URL.*pnpm quickstart/)
  })

  test("the embedded database's address is found, and DATABASE_URL wins over it", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'pgreel-config-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await writeFile(embeddedUrlFile(folder), 'postgres://embedded/pgreel\n')
    await chmod(embeddedUrlFile(folder), 0o600)
    expect(requireDatabaseUrl(parseConfig({ DATA_DIR: folder }, root))).toBe('postgres://embedded/pgreel')
    const given = { DATA_DIR: folder, DATABASE_URL: 'postgres://given/pgreel' }
    expect(requireDatabaseUrl(parseConfig(given, root))).toBe('postgres://given/pgreel')
  })
})

describe('a value that cannot be used', () => {
  const database =
    'must be an address such as postgres://user:password@host:5432/database, with %40 for an @ in the password, not what it is set to'
  const port = 'must be a whole number from 1 to 65535'
  const ladder = 'must be even heights from 16 to 4320 with commas between them, such as 1080,720,480'
  const rate = 'must be off, or how many uploads one address may begin in an hour'
  const keep = 'must be always, never, or a number of days up to 36500'
  test.each([
    ['DATABASE_URL', 'mysql://somebody:secret@localhost/x', database],
    ['DATABASE_URL', 'postgres://somebody:%secret@localhost/x', database],
    ['DATABASE_URL', 'localhost', database],
    ['PORT', '0', `${port}, not "0"`],
    ['PORT', '65536', `${port}, not "65536"`],
    ['PORT', 'http', `${port}, not "http"`],
    ['PORT', '80.5', `${port}, not "80.5"`],
    ['PUBLIC_URL', 'ftp://a.b', 'must be an address such as https://videos.example, not "ftp://a.b"'],
    ['MEDIA_BASE_URL', 'a.b', 'must be an address such as https://cdn.example, not "a.b"'],
    ['MAX_UPLOAD_BYTES', '-1', 'must be a whole number of bytes above 0, such as 4294967296, not "-1"'],
    ['MAX_UPLOAD_BYTES', '4GB', 'must be a whole number of bytes above 0, such as 4294967296, not "4GB"'],
    ['MAX_DURATION_SECONDS', '0', 'must be a number of seconds above 0, not "0"'],
    ['LADDER', '1080p', `${ladder}, not "1080p"`],
    ['LADDER', '1080,', `${ladder}, not "1080,"`],
    ['LADDER', '721', `${ladder}, not "721"`],
    ['LADDER', '8', `${ladder}, not "8"`],
    ['LADDER', '8640', `${ladder}, not "8640"`],
    ['KEEP_SOURCE', 'sometimes', `${keep}, not "sometimes"`],
    ['KEEP_SOURCE', '-1', `${keep}, not "-1"`],
    ['KEEP_SOURCE', '7d', `${keep}, not "7d"`],
    ['KEEP_SOURCE', '99999999', `${keep}, not "99999999"`],
    ['WORKER_CONCURRENCY', '0', 'must be a whole number from 1 to 64, not "0"'],
    ['WORKER_CONCURRENCY', '65', 'must be a whole number from 1 to 64, not "65"'],
    ['RATE_LIMIT', '0', `${rate}, not "0"`],
    ['RATE_LIMIT', 'on', `${rate}, not "on"`],
    ['LOG_LEVEL', 'loud', 'must be one of trace, debug, info, warn, error, silent, not "loud"'],
  ])('%s=%s is told with what it must be', (name, value, sentence) => {
    const parse = () => parseConfig({ [name]: value }, root)
    expect(parse).toThrow(ConfigError)
    expect(parse).toThrow(new Error(`These settings cannot be used:\n  ${name}: ${sentence}`))
  })

  test('and every such variable is named at once', () => {
    const parse = () => parseConfig({ PORT: 'x', LADDER: 'y' }, root)
    expect(parse).toThrow(/PORT: /)
    expect(parse).toThrow(/LADDER: /)
  })
})

describe('a value', () => {
  test.each([
    ['data', undefined, '/srv/pgreel/data', '/srv/pgreel/data/storage'],
    ['/var/lib/pgreel', undefined, '/var/lib/pgreel', '/var/lib/pgreel/storage'],
    ['data', 'films', '/srv/pgreel/data', '/srv/pgreel/data/films'],
    ['data', '/mnt/films', '/srv/pgreel/data', '/mnt/films'],
  ])(
    "DATA_DIR=%s, STORAGE_URL=%s is taken from the project's folder, not from the caller's",
    (dataDir, storageUrl, expectedData, expectedStorage) => {
      const config = parseConfig({ DATA_DIR: dataDir, STORAGE_URL: storageUrl }, root)
      expect(config).toMatchObject({ dataDir: expectedData, storageDir: expectedStorage })
    },
  )

  test('that is empty is not set', () => {
    expect(parseConfig({ PORT: '', DATABASE_URL: '', LADDER: '' }, root)).toEqual(parseConfig({}, root))
  })

  test('LADDER is sorted, tallest first', () => {
    expect(parseConfig({ LADDER: '240,1080,480' }, root).ladder).toEqual([1080, 480, 240])
  })

  test.each(['PUBLIC_URL', 'MEDIA_BASE_URL'])(
    '%s loses a closing slash, since paths begin with one',
    name => {
      const config = parseConfig({ [name]: 'https://example.com/' }, root)
      expect([config.publicUrl, config.mediaBaseUrl]).toContain('https://example.com')
    },
  )
})
