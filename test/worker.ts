// A worker without its process: the real context of the handlers, in folders of their own.
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pino } from 'pino'
import { inject, onTestFinished } from 'vitest'
import { parseConfig } from '#config'
import { type JobData, type JobName, jobs } from '#db/jobs.ts'
import { openStorage } from '#media/storage.ts'
import type { Handler, WorkerContext } from '#worker/context.ts'
import { installLauncher } from '#worker/ffmpeg/launcher.ts'
import { handlers } from '#worker/handlers.ts'
import type { TestDatabase } from './database.ts'
import { takeJob } from './videos.ts'

export const silent = pino({ level: 'silent' })

/** A folder that disappears after the run of the tests. */
export function makeFolder(): Promise<string> {
  return mkdtemp(path.join(inject('folder'), 'worker-'))
}

/** `env` as the operator would set it. */
export async function createWorkerContext(
  { db, boss }: TestDatabase,
  env: Record<string, string> = {},
): Promise<WorkerContext> {
  const folder = await makeFolder()
  const config = parseConfig({ DATABASE_URL: inject('templateUrl'), DATA_DIR: folder, ...env }, folder)
  await installLauncher(path.join(folder, 'launcher'), config)
  return {
    ...{ db, boss, config, log: silent },
    storage: await openStorage(config.storageDir),
    workerId: crypto.randomUUID(),
    scratchRoot: path.join(folder, 'scratch'),
    stopping: new AbortController().signal,
  }
}

/**
 * Does the next job of a queue as worker/main.ts and pg-boss do: parsed data, and completed when the
 * handler returns.
 */
export async function runJob<Name extends JobName>(context: WorkerContext, name: Name): Promise<void> {
  const handler: Handler<Name> = handlers[name]
  const job = await takeJob(context.boss, name)
  await handler(context, jobs[name].data.parse(job.data) as JobData<Name>, job)
  await context.boss.complete(name, job)
}

/** For one test, a shell script in FFmpeg's place; `$last` is the output that it is asked for. */
export async function useFfmpeg(context: WorkerContext, script: string): Promise<void> {
  await usePrograms(context, { ffmpegPath: await writeScript(script) })
}

/** The same in ffprobe's place. */
export async function useFfprobe(context: WorkerContext, script: string): Promise<void> {
  await usePrograms(context, { ffprobePath: await writeScript(script) })
}

const OWN: Programs = { ffmpegPath: null, ffprobePath: null }
type Programs = Parameters<typeof installLauncher>[1]
let programs = OWN

async function usePrograms({ config }: WorkerContext, changed: Partial<Programs>): Promise<void> {
  const launchers = path.join(config.dataDir, 'launcher')
  programs = { ...programs, ...changed }
  await installLauncher(launchers, programs)
  onTestFinished(async () => {
    programs = OWN
    await installLauncher(launchers, programs)
  })
}

async function writeScript(script: string): Promise<string> {
  const file = path.join(await makeFolder(), 'script')
  await writeFile(file, ['#!/bin/sh', 'for last; do :; done', script].join('\n'), { mode: 0o755 })
  return file
}

/** Ids of the processes that work in a folder or below it. */
export async function processesIn(folder: string): Promise<number[]> {
  const ids = (await readdir('/proc')).map(Number).filter(id => id > 0)
  const found = await Promise.all(
    ids.map(async id => {
      // A process that ends while it is looked at is none.
      const cwd = await readlink(`/proc/${id}/cwd`).catch(() => '')
      return cwd === folder || cwd.startsWith(`${folder}/`) ? [id] : []
    }),
  )
  return found.flat()
}

/** Those of them that are FFmpeg, and not what holds its box. */
export async function ffmpegsIn(folder: string): Promise<number[]> {
  const ids = await processesIn(folder)
  const names = await Promise.all(ids.map(id => readFile(`/proc/${id}/comm`, 'utf8').catch(() => '')))
  return ids.filter((_, index) => names[index]?.trim() === 'ffmpeg')
}

/** Removes what earlier tests stored, so that whatever is found is the test's own. */
export async function emptyStorage({ storage }: WorkerContext): Promise<void> {
  for (const folder of [storage.sourcesDir, path.join(path.dirname(storage.sourcesDir), 'videos')]) {
    for (const name of await readdir(folder)) await rm(path.join(folder, name), { recursive: true })
  }
}

export async function listKeys({ storage }: WorkerContext, prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const file of storage.list(prefix)) keys.push(file.key)
  return keys.sort()
}
