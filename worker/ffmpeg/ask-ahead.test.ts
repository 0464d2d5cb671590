// In a process of its own: fluent-ffmpeg remembers for a whole one.
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import fluent from 'fluent-ffmpeg'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { makeFolder } from '#test/worker.ts'
import { askAhead, installLauncher } from './launcher.ts'
import { runFfmpeg } from './run.ts'

test('a command runs FFmpeg once when it was asked ahead what it can do', async () => {
  const folder = await makeFolder()
  const [fake, seen] = [path.join(folder, 'ffmpeg'), path.join(folder, 'seen')]
  await writeFile(fake, `#!/bin/sh\necho "$1" >>${seen}\nexec ffmpeg "$@"\n`, { mode: 0o755 })
  await installLauncher(path.join(folder, 'launcher'), { ffmpegPath: fake, ffprobePath: null })
  await askAhead()
  expect((await readFile(seen, 'utf8')).trim().split('\n').sort()).toEqual(['-encoders', '-formats'])
  await writeFile(seen, '')
  const command = fluent('testsrc=d=0.1').inputFormat('lavfi').format('null').output('-')
  await runFfmpeg(command, { signal: AbortSignal.any([]), log: pino({ level: 'silent' }) })
  expect(await readFile(seen, 'utf8')).toBe('-f\n')
})
