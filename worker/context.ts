// What every job handler gets.

import type { Logger } from 'pino'
import type { Config } from '#config'
import type { Boss, Job } from '#db/boss.ts'
import type { Db } from '#db/client.ts'
import type { JobData, JobName } from '#db/jobs.ts'
import type { Storage } from '#media/storage.ts'

export interface WorkerContext {
  db: Db
  boss: Boss
  storage: Storage
  config: Config
  log: Logger
  workerId: string
  scratchRoot: string
  /** fires when this worker has to stop: hand back and return */
  stopping: AbortSignal
}

/** A job is done when this returns; handlers that complete it in their own transaction just return. */
export type Handler<Name extends JobName> = (
  context: WorkerContext,
  data: JobData<Name>,
  job: Job,
) => Promise<void>
