// How often a client may begin an upload. Must not know who or what a client is.
import { sql } from 'kysely'
import type { Db } from './client.ts'

/**
 * Takes one of a client's turns: there are so many, and as many come back in an hour, one by one.
 * @returns 0, or in how many seconds there will be one
 */
export async function takeTurn(db: Db, client: string, perHour: number): Promise<number> {
  const turn = sql`${3600 / perHour} * interval '1 second'`
  const { rows } = await sql<{ wait: number }>`
    with taken as (
      insert into upload_rates as rate (client, whole_at)
      values (${client}, now() + ${turn})
      on conflict (client) do update
      set whole_at = greatest(rate.whole_at, now()) + ${turn}
      where greatest(rate.whole_at, now()) + ${turn} <= now() + interval '1 hour'
      returning client
    )
    select case
      when exists (select from taken) then 0
      else greatest(1, ceil(extract(epoch from
        (select whole_at from upload_rates where client = ${client}) + ${turn} - interval '1 hour' - now())))
    end::int as wait`.execute(db)
  return rows[0]?.wait ?? 0
}

/** Of an upload that did not begin. */
export async function giveTurnBack(db: Db, client: string, perHour: number): Promise<void> {
  await db
    .updateTable('upload_rates')
    .set({ whole_at: sql<Date>`whole_at - ${3600 / perHour} * interval '1 second'` })
    .where('client', '=', client)
    .execute()
}

/** Of those that have all their turns nothing needs to be known. */
export async function forgetWholeRates(db: Db): Promise<void> {
  await db.deleteFrom('upload_rates').where('whole_at', '<', sql<Date>`now()`).execute()
}
