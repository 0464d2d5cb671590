// What every storage must do, run over each one we have.
import { execFileSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { access, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { attemptPrefix, sourceKey, videoPrefix } from '#media/keys.ts'
import { openStorage, type Storage } from '#media/storage.ts'
import { StorageConflict } from '#media/storage-conflict.ts'

const VIDEO = '01890a5d-ac96-774b-bcce-b302099a8057'
const TOKEN = '7c9e6679-7425-40de-944b-e07fc1f90ae7'
const OTHER = '9b2f1c1e-3f6b-4a55-8a6e-0d3c5b7a9e21'
const PREFIX = attemptPrefix(VIDEO, TOKEN)

let folder: string
let storage: Storage

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pgreel-storage-'))
  storage = await openStorage(path.join(folder, 'root'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

contract('disk', async () => storage)

function contract(name: string, open: () => Promise<Storage>): void {
  describe(`${name}: the contract`, () => {
    test('a published tree is readable, with sizes and equal tags', async () => {
      const s = await open()
      await s.putTree(await tree({ 'master.m3u8': '#EXTM3U', '720/1.m4s': 'abcdef' }), PREFIX)
      const file = await s.stat(`${PREFIX}/720/1.m4s`)
      expect(file).toMatchObject({ key: `${PREFIX}/720/1.m4s`, sizeBytes: 6 })
      expect(file?.etag).toMatch(/^"[^"]+"$/)
      const opened = await s.open(`${PREFIX}/720/1.m4s`)
      expect(opened?.etag).toBe(file?.etag)
      expect(await text(opened?.stream)).toBe('abcdef')
    })

    test.each([
      [0, 0, 'a'],
      [2, 3, 'cd'],
      [5, 5, 'f'],
      [0, 5, 'abcdef'],
    ])('bytes %i to %i are %s', async (start, end, expected) => {
      const s = await open()
      await s.putTree(await tree({ a: 'abcdef' }), PREFIX)
      expect(await text((await s.open(`${PREFIX}/a`, { range: { start, end } }))?.stream)).toBe(expected)
    })

    test('an empty file is an empty stream', async () => {
      const s = await open()
      await s.putTree(await tree({ a: '' }), PREFIX)
      expect(await text((await s.open(`${PREFIX}/a`))?.stream)).toBe('')
    })

    test('a range outside of the file is an error', async () => {
      const s = await open()
      await s.putTree(await tree({ a: 'abc' }), PREFIX)
      await expect(s.open(`${PREFIX}/a`, { range: { start: 1, end: 3 } })).rejects.toThrow(RangeError)
    })

    test('what is published is never changed', async () => {
      const s = await open()
      await s.putTree(await tree({ a: '1' }), PREFIX)
      await expect(s.putTree(await tree({ a: '2' }), PREFIX)).rejects.toThrow(StorageConflict)
      expect(await text((await s.open(`${PREFIX}/a`))?.stream)).toBe('1')
    })

    test('a tree cannot be published over a file', async () => {
      const s = await open()
      await s.putTree(await tree({ a: '1' }), PREFIX)
      await expect(s.putTree(await tree({ b: '2' }), `${PREFIX}/a`)).rejects.toThrow(StorageConflict)
    })

    test('list gives every file below a prefix and nothing beside it', async () => {
      const s = await open()
      await s.putTree(await tree({ a: '1', 'b/c': '22' }), PREFIX)
      await s.putTree(await tree({ d: '3' }), attemptPrefix(VIDEO, OTHER))
      expect(await keys(s, PREFIX)).toEqual([`${PREFIX}/a`, `${PREFIX}/b/c`])
      expect(await keys(s, 'videos')).toHaveLength(3)
      expect(await keys(s, videoPrefix(OTHER))).toEqual([])
    })

    test('a removed tree is gone, its neighbour stays, twice is fine', async () => {
      const s = await open()
      await s.putTree(await tree({ a: '1' }), PREFIX)
      await s.putTree(await tree({ a: '1' }), attemptPrefix(VIDEO, OTHER))
      await s.remove(PREFIX)
      await s.remove(PREFIX)
      expect(await s.stat(`${PREFIX}/a`)).toBeNull()
      expect(await keys(s, 'videos')).toEqual([`${attemptPrefix(VIDEO, OTHER)}/a`])
    })

    test('what is discarded is gone at once as well, twice is fine', async () => {
      const s = await open()
      await s.putTree(await tree({ a: '1' }), PREFIX)
      await s.discard(videoPrefix(VIDEO))
      await s.discard(videoPrefix(VIDEO))
      expect(await s.stat(`${PREFIX}/a`)).toBeNull()
      expect(await keys(s, 'videos')).toEqual([])
      await s.emptyTrash()
    })

    test.each(['', '.', 'videos', 'sources', '..', '../x', '/', 'videos/..', '.trash/x'])(
      'removing %j is refused',
      async prefix => {
        await expect((await open()).remove(prefix)).rejects.toThrow()
      },
    )

    test('an upload is found, synced, read by path and removed by its key', async () => {
      const s = await open()
      await writeFile(path.join(s.sourcesDir, VIDEO), 'film')
      await s.sync(sourceKey(VIDEO))
      expect(await s.stat(sourceKey(VIDEO))).toMatchObject({ sizeBytes: 4 })
      await access(s.localPath(sourceKey(VIDEO)))
      await s.remove(sourceKey(VIDEO))
      expect(await s.stat(sourceKey(VIDEO))).toBeNull()
      await expect(s.sync(sourceKey(VIDEO))).rejects.toThrow('no sources/')
    })

    test.each([
      '',
      '/',
      '..',
      '../secret',
      'videos/../../secret',
      '/etc/passwd',
      'a\0b',
      PREFIX,
      `${PREFIX}/`,
    ])('%j is absent, not an error', async key => {
      const s = await open()
      await s.putTree(await tree({ a: '1' }), PREFIX)
      expect(await s.stat(key)).toBeNull()
      expect(await s.open(key)).toBeNull()
    })

    test('twenty that open it at once agree on its identity, and so does the next', async () => {
      const s = await open()
      const ids = await Promise.all(Array.from({ length: 20 }, () => s.identity()))
      expect(new Set([...ids, await s.identity()]).size).toBe(1)
      expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/)
    })

    test('it knows how much may still be written', async () => {
      expect(await (await open()).freeBytes()).toBeGreaterThan(0)
    })
  })
}

describe('disk', () => {
  test('links, on the last or any other step, lead nowhere', async () => {
    await writeFile(path.join(folder, 'secret'), 'x')
    await storage.putTree(await tree({ a: '1' }), PREFIX)
    const inside = storage.localPath(PREFIX)
    await symlink(path.join(folder, 'secret'), path.join(inside, 'file'))
    await symlink(folder, path.join(inside, 'folder'))
    await symlink('a', path.join(inside, 'harmless'))
    for (const name of ['file', 'folder/secret', 'harmless']) {
      expect(await storage.stat(`${PREFIX}/${name}`)).toBeNull()
      expect(await storage.open(`${PREFIX}/${name}`)).toBeNull()
    }
    expect(await keys(storage, PREFIX)).toEqual([`${PREFIX}/a`])
  })

  test('a FIFO neither blocks nor is a file', async () => {
    await storage.putTree(await tree({ a: '1' }), PREFIX)
    execFileSync('mkfifo', [path.join(storage.localPath(PREFIX), 'fifo')])
    expect(await storage.stat(`${PREFIX}/fifo`)).toBeNull()
  })

  test('a tree with a link in it is not published', async () => {
    const dir = await tree({ a: '1' })
    await symlink('/etc/passwd', path.join(dir, 'link'))
    await expect(storage.putTree(dir, PREFIX)).rejects.toThrow('neither a file nor a folder')
    expect(await storage.stat(`${PREFIX}/a`)).toBeNull()
  })

  test('an empty folder in the way is a conflict too', async () => {
    await mkdir(storage.localPath(PREFIX), { recursive: true })
    await expect(storage.putTree(await tree({ a: '1' }), PREFIX)).rejects.toThrow(StorageConflict)
  })

  test('a private scratch folder is readable once published', async () => {
    await storage.putTree(await tree({ a: '1' }), PREFIX)
    expect(statSync(storage.localPath(PREFIX)).mode & 0o777).toBe(0o755)
  })

  test('a root that is a link itself works', async () => {
    await symlink(path.join(folder, 'root'), path.join(folder, 'alias'))
    await storage.putTree(await tree({ a: '1' }), PREFIX)
    expect(await (await openStorage(path.join(folder, 'alias'))).stat(`${PREFIX}/a`)).not.toBeNull()
  })

  test('trash left by a crash is emptied, and never shown', async () => {
    await mkdir(path.join(folder, 'root/.trash/left'), { recursive: true })
    await writeFile(path.join(folder, 'root/.trash/left/a'), 'x')
    expect(await storage.stat('.trash/left/a')).toBeNull()
    await storage.emptyTrash()
    expect(await readdir(path.join(folder, 'root/.trash'))).toEqual([])
  })

  test('what is in quarantine is no key any more, keeps its place, and goes when its day is over', async () => {
    const quarantine = path.join(folder, 'root/.quarantine')
    await storage.emptyQuarantine(new Date())
    for (const content of ['1', '2']) {
      await storage.putTree(await tree({ a: content }), PREFIX)
      await storage.quarantine(PREFIX)
      expect(await storage.stat(`${PREFIX}/a`)).toBeNull()
      expect(await keys(storage, 'videos')).toEqual([])
    }
    const [day = ''] = await readdir(quarantine)
    const kept = path.join(quarantine, day, videoPrefix(VIDEO))
    expect(await readFile(path.join(kept, TOKEN, 'a'), 'utf8')).toBe('1')
    expect(await readdir(kept)).toHaveLength(2)
    await storage.quarantine(`sources/${VIDEO}`) // which is not there
    await storage.emptyQuarantine(new Date(day))
    expect(await readdir(quarantine)).toEqual([day])
    await storage.emptyQuarantine(new Date(Date.parse(day) + 86_400_000))
    expect(await readdir(quarantine)).toEqual([])
  })

  test('removing an attempt removes the copy that a crash cut off', async () => {
    await mkdir(storage.localPath(videoPrefix(VIDEO)), { recursive: true })
    await mkdir(path.join(storage.localPath(videoPrefix(VIDEO)), `.${TOKEN}`))
    await storage.remove(PREFIX)
    expect(existsSync(storage.localPath(videoPrefix(VIDEO)))).toBe(false)
  })

  const memory = '/dev/shm'
  const isOther = existsSync(memory) && statSync(memory).dev !== statSync(tmpdir()).dev
  test.skipIf(!isOther)('a tree on another file system is published whole as well', async () => {
    const dir = await mkdtemp(path.join(memory, 'pgreel-'))
    try {
      await tree({ a: '1', 'b/c': '22' }, dir)
      await storage.putTree(dir, PREFIX)
      expect(await keys(storage, PREFIX)).toEqual([`${PREFIX}/a`, `${PREFIX}/b/c`])
      expect(await readdir(storage.localPath(videoPrefix(VIDEO)))).toEqual([TOKEN])
      expect(existsSync(dir)).toBe(false)
      await expect(storage.putTree(await tree({ a: '2' }), PREFIX)).rejects.toThrow(StorageConflict)
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  })

  test('identity leaves nothing but its file', async () => {
    await Promise.all([storage.identity(), storage.identity()])
    expect((await readdir(path.join(folder, 'root'))).sort()).toEqual([
      '.trash',
      'sources',
      'storage-id',
      'videos',
    ])
  })

  test.skipIf(!existsSync('/proc/self/fd'))('every way to stop reading closes the file', async () => {
    await storage.putTree(await tree({ a: 'x'.repeat(3_000_000) }), PREFIX)
    const key = `${PREFIX}/a`
    await text((await storage.open(key))?.stream)
    await (await storage.open(key))?.stream.cancel()
    const reader = (await storage.open(key))?.stream.getReader()
    await reader?.read()
    await reader?.cancel()
    const unread = new AbortController()
    await storage.open(key, { signal: unread.signal })
    unread.abort()
    await storage.open(key, { signal: AbortSignal.abort() })
    const midway = new AbortController()
    const interrupted = (await storage.open(key, { signal: midway.signal }))?.stream.getReader()
    await interrupted?.read()
    midway.abort(new Error('left'))
    await expect(interrupted?.read()).rejects.toThrow('left')
    await storage.open(key, { range: { start: 0, end: 9e9 } }).catch(() => null)
    await storage.stat(key)
    await expect.poll(() => openFiles(storage.localPath(key))).toBe(0)
  })

  test('a stream reads only as it is read', async () => {
    await storage.putTree(await tree({ a: 'x'.repeat(3_000_000) }), PREFIX)
    const reader = (await storage.open(`${PREFIX}/a`))?.stream.getReader()
    await reader?.read()
    await writeFile(storage.localPath(`${PREFIX}/a`), '')
    // Had it read ahead it would not notice; and what it promised is missing, which is an error.
    await expect(reader?.read()).rejects.toThrow('early')
  })
})

async function tree(files: Record<string, string>, dir?: string): Promise<string> {
  const root = dir ?? (await mkdtemp(path.join(folder, 'scratch-')))
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true })
    await writeFile(path.join(root, name), content)
  }
  return root
}

async function keys(s: Storage, prefix: string): Promise<string[]> {
  const found: string[] = []
  for await (const file of s.list(prefix)) found.push(file.key)
  return found.sort()
}

function text(stream: ReadableStream<Uint8Array<ArrayBuffer>> | undefined): Promise<string> {
  return new Response(stream).text()
}

async function openFiles(file: string): Promise<number> {
  const links = await Promise.all(
    // The descriptor that lists this folder is gone when it is looked at.
    (await readdir('/proc/self/fd')).map(fd => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  )
  return links.filter(link => link === file).length
}
