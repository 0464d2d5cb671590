// The catalogue: what is not in it does not compile, what is in it is in the database.
import { describe, expect, expectTypeOf, test } from 'vitest'
import { createTestDatabase } from '#test/database.ts'
import { send } from './boss.ts'
import { type JobData, type JobName, jobNames, jobs } from './jobs.ts'

const t = await createTestDatabase()

describe('the catalogue', () => {
  test('lets no mistyped name and no wrong data compile (tsc checks this function)', () => {
    const videoId = crypto.randomUUID()
    const wrong = [
      // @ts-expect-error a name that is not in the catalogue
      () => t.db.transaction().execute(trx => send(trx, t.boss, 'laddder', { videoId })),
      // @ts-expect-error data without the id
      () => t.db.transaction().execute(trx => send(trx, t.boss, 'ladder', {})),
      // @ts-expect-error a mistyped field
      () => t.db.transaction().execute(trx => send(trx, t.boss, 'purge', { video_id: videoId })),
      // @ts-expect-error an id of the wrong type
      () => t.db.transaction().execute(trx => send(trx, t.boss, 'dead', { videoId: 7 })),
    ]
    expect(wrong).toHaveLength(4)
    expectTypeOf<JobName>().toEqualTypeOf<
      'first' | 'ladder' | 'rung' | 'extra' | 'poster' | 'purge' | 'dead' | 'sweep' | 'tidy'
    >()
    expectTypeOf<JobData<'ladder'>>().toEqualTypeOf<{ videoId: string; requestId?: string | undefined }>()
  })

  test('is exactly what the database has', async () => {
    const queues = (await t.boss.getQueues()).map(queue => queue.name)
    expect(queues.filter(name => !name.startsWith('__pgboss')).sort()).toEqual([...jobNames].sort())
  })

  test.each(jobNames)('declares %s as its queue is', async name => {
    expect(await t.boss.getQueue(name)).toMatchObject(jobs[name].queue)
  })

  test('is what cron runs, and nothing else', async () => {
    const schedules = (await t.boss.getSchedules()).map(({ name, cron }) => ({ name, cron }))
    const declared = jobNames.flatMap(name => ('cron' in jobs[name] ? [{ name, cron: jobs[name].cron }] : []))
    expect(schedules).toEqual(declared)
    expect(declared).toEqual([
      { name: 'sweep', cron: '* * * * *' },
      { name: 'tidy', cron: '17 * * * *' },
    ])
  })

  test('names a dead-letter queue only where that is an entry too', () => {
    for (const name of jobNames) {
      const { queue } = jobs[name]
      if ('deadLetter' in queue) expect(jobNames).toContain(queue.deadLetter)
    }
    for (const name of ['ladder', 'extra'] as const) expect(jobs[name].queue.deadLetter).toBe('dead')
  })
})

describe('sending', () => {
  test('twice for one video makes one job, for two videos two', async () => {
    const [a, b] = [crypto.randomUUID(), crypto.randomUUID()]
    for (const videoId of [a, a, b]) {
      await t.db.transaction().execute(trx => send(trx, t.boss, 'purge', { videoId }))
    }
    const sent = await t.boss.findJobs<{ videoId: string }>('purge')
    expect(sent.map(job => job.data.videoId).sort()).toEqual([a, b].sort())
  })

  test('a job carries the request that caused it, and jobs from before there was one are still read', async () => {
    const videoId = crypto.randomUUID()
    await t.db.transaction().execute(trx => send(trx, t.boss, 'purge', { videoId, requestId: 'r-1' }))
    const [job] = await t.boss.findJobs('purge', { key: videoId })
    expect(jobs.purge.data.parse(job?.data)).toEqual({ videoId, requestId: 'r-1' })
    expect(jobs.purge.data.parse({ videoId })).toEqual({ videoId })
  })

  test.each(['ladder', 'extra', 'purge', 'dead'] as const)('%s takes ids of videos only', name => {
    const { data } = jobs[name]
    expect(data.safeParse({ videoId: crypto.randomUUID() }).success).toBe(true)
    for (const wrong of [{}, null, { videoId: '7' }, { videoId: '../../etc' }]) {
      expect(data.safeParse(wrong).success).toBe(false)
    }
  })
})
