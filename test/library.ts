// The files that belong to the rows of test/videos.ts.
import { mkdir, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Attempt } from '#db/attempts.ts'
import { attemptPrefix } from '#media/keys.ts'
import { mediaPlaylist } from '#media/playlist.ts'
import type { Storage } from '#media/storage.ts'
import { makeFolder } from './worker.ts'

// Old enough that nobody can think it is just being written.
const LONG_AGO = new Date(Date.now() - 4_000_000)

/** Stores what `publicationOf` names, in the sizes that it says. */
export async function storePublication(storage: Storage, { videoId, token }: Attempt): Promise<void> {
  const folder = await makeFolder()
  await mkdir(path.join(folder, 'v240'))
  const segments = [{ uri: '00000.m4s', durationSeconds: 2 }]
  const files: Record<string, string | Buffer> = {
    'master.m3u8': '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=96000\nv240/index.m3u8\n',
    'video.mp4': 'film',
    'v240/index.m3u8': mediaPlaylist({ init: 'init.mp4', segments }),
    'v240/init.mp4': Buffer.alloc(1_000),
    'v240/00000.m4s': Buffer.alloc(24_000),
  }
  for (const [name, content] of Object.entries(files)) {
    await writeFile(path.join(folder, name), content)
    await utimes(path.join(folder, name), LONG_AGO, LONG_AGO)
  }
  await storage.putTree(folder, attemptPrefix(videoId, token))
}

/** Stores one file as if an hour ago, or at another time. */
export async function storeFile(
  storage: Storage,
  key: string,
  content: string,
  at = LONG_AGO,
): Promise<void> {
  const file = storage.localPath(key)
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, content)
  await utimes(file, at, at)
}
