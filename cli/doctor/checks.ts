// Every check of the doctor, in order: what is needed first comes first.
import {
  abandonedAttempts,
  deletedWithoutPurge,
  jobsWithoutVideo,
  unfinishedWithoutJob,
  uploadsWithoutRow,
  videosWithTwoWinners,
} from '#db/invariants.ts'
import * as database from './database.ts'
import type { Check, Context } from './examine.ts'
import * as files from './files.ts'
import * as machine from './machine.ts'

export const checks: Check[] = [
  { name: 'postgres', proves: 'the database answers', needs: [], find: database.unreachable },
  { name: 'version', proves: 'Postgres is new enough', needs: ['postgres'], find: database.outdated },
  { name: 'migrations', proves: 'none is missing', needs: ['version'], find: database.unmigrated },
  { name: 'queues', proves: 'every one is there', needs: ['migrations'], find: database.lackingQueues },
  { name: 'clock', proves: 'database and machine agree', needs: ['postgres'], find: database.skewed },
  { name: 'ffmpeg', proves: 'it runs and can make what is published', needs: [], find: machine.badFfmpeg },
  {
    name: 'walls',
    proves: 'nothing that FFmpeg reads reaches out of its box',
    needs: ['ffmpeg'],
    isAdvice: true,
    find: machine.missingWalls,
  },
  { name: 'storage', proves: 'it is there and can be written', needs: [], find: machine.badStorage },
  {
    name: 'identity',
    proves: 'the storage is the one that the database remembers',
    needs: ['storage', 'migrations'],
    find: machine.foreignStorage,
  },
  {
    name: 'disk',
    proves: 'there is room for what open uploads will send',
    needs: ['storage', 'migrations'],
    find: machine.fullDisk,
  },
  { name: 'workers', proves: 'one is alive', needs: ['migrations'], find: database.noWorker },
  { name: 'waiting', proves: 'no queue stands still', needs: ['queues', 'workers'], find: database.stalled },
  live(
    'jobs',
    'every unfinished video has a live job',
    unfinishedWithoutJob,
    id => `video ${id} is unfinished and has no job: a worker sends it again within a minute; start one.`,
  ),
  live(
    'purges',
    'every deleted video has a job that removes it',
    deletedWithoutPurge,
    id =>
      `video ${id} is deleted and no job removes its files: a worker sends one within a minute; start one.`,
  ),
  live(
    'uploads',
    'every video that still arrives has its upload',
    uploadsWithoutRow,
    id => `video ${id} is uploading but has no upload, so it can never finish: delete it.`,
  ),
  live(
    'attempts',
    'whatever runs has a worker, or a job that will be given to one',
    abandonedAttempts,
    token =>
      `attempt ${token} runs, but its worker is dead and no job will be given out again: retry its video.`,
  ),
  live(
    'orphan-jobs',
    'every job has its video',
    jobsWithoutVideo,
    job => `job ${job} has no video: delete it from pgboss.job.`,
  ),
  live(
    'winners',
    'every video plays from one publication',
    videosWithTwoWinners,
    id => `video ${id} has two publications or attempts at once: report this, it is a bug.`,
  ),
  {
    name: 'sources',
    proves: 'what videos are made from is there',
    needs: ['identity', 'queues'],
    isLive: true,
    find: files.lostSources,
  },
  {
    name: 'media',
    proves: 'whatever plays is there, every file of it',
    needs: ['identity', 'queues'],
    isLive: true,
    find: files.brokenPublications,
  },
  {
    name: 'orphan-files',
    proves: 'every file has an owner',
    needs: ['identity', 'queues'],
    isLive: true,
    find: files.orphans,
  },
]

/** A question of db/invariants.ts, and the line for each thing that it finds. */
function live(
  name: string,
  proves: string,
  ask: (db: Context['db']) => Promise<string[]>,
  tell: (subject: string) => string,
): Check {
  const find = async ({ db }: Context) =>
    (await ask(db)).map(subject => ({ subject, message: tell(subject) }))
  return { name, proves, needs: ['queues'], isLive: true, find }
}
