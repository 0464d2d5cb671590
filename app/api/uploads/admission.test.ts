import { Upload } from '@tus/utils'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { Server } from '#app/server.ts'
import { createTestDatabase } from '#test/database.ts'
import { admit, makeTitle } from './admission.ts'

const TITLES: [title: string, filename: string, expected: string][] = [
  ['Given', 'file.mp4', 'Given'],
  ['', 'my_holiday.final.mp4', 'my holiday.final'],
  ['  ', 'C:\\Users\\me\\clip.mov', 'clip'],
  ['', '../../etc/passwd', 'passwd'],
  ['', '', 'Untitled'],
  ['\u0000', '\u202e.mp4', 'Untitled'],
  ['a\u0007b\r\nc', 'x', 'a b c'],
  ['👨‍👩‍👧', 'x', '👨‍👩‍👧'],
  ['x'.repeat(10_000), 'x', 'x'.repeat(200)],
]
const { db } = await createTestDatabase()

test.each(TITLES)('title %j of file %j becomes %j', (title, filename, expected) => {
  expect(makeTitle(title, filename)).toBe(expected)
})

test('an upload that does not fit, to come and to play, beside those let in before is refused as disk full', async () => {
  const GIB = 1024 ** 3
  const server = { db, storage: { freeBytes: async () => 20 * GIB } } as unknown as Server
  const make = (size: number) =>
    new Upload({
      id: crypto.randomUUID(),
      size,
      offset: 0,
      metadata: { filename: 'a.mp4', filetype: 'video/mp4' },
    })
  await expect(admit(server, make(10 * GIB))).rejects.toMatchObject({ status_code: 507 })
  await admit(server, make(6 * GIB))
  await expect(admit(server, make(4 * GIB))).rejects.toMatchObject({ status_code: 507 })
  await admit(server, make(3 * GIB))
  // Both have come, which the disk knows; but neither plays yet.
  await db.updateTable('uploads').set({ received: sql`length`, finished_at: sql`now()` }).execute()
  await db.updateTable('videos').set({ status: 'queued', stage: 'queued' }).execute()
  await expect(admit(server, make(6 * GIB))).rejects.toMatchObject({ status_code: 507 })
  await admit(server, make(5 * GIB))
})
