// Sending work on a video: its job, with how long that may take at the very most.
import type { SendOptions } from 'pg-boss'
import { type Boss, send } from './boss.ts'
import type { Work } from './budgets.ts'
import type { Trx } from './client.ts'
import type { JobData } from './jobs.ts'

// What a ladder does in a second on the slowest machine that pgreel is meant for, under other load: a
// thirtieth of what one core of 2020 does.
const MEGAPIXELS_A_SECOND = 2
const AT_LEAST_SECONDS = 600
// pg-boss takes no more.
const AT_MOST_SECONDS = 24 * 3600 - 1
// Probe, verification, MP4 and files come beside the encode.
const BESIDE_SECONDS = 900

/** How long an encode of so many megapixels may take before it is taken for stuck; null where that is not known. */
export function boundSeconds(work: number | null): number {
  if (work === null) return AT_MOST_SECONDS - BESIDE_SECONDS
  return Math.min(AT_MOST_SECONDS - BESIDE_SECONDS, Math.ceil(AT_LEAST_SECONDS + work / MEGAPIXELS_A_SECOND))
}

/** As `send`; a ladder's job expires by its own length. */
export async function sendWork(
  trx: Trx,
  boss: Boss,
  kind: Work,
  data: JobData<Work>,
  options: Pick<SendOptions, 'priority' | 'startAfter' | 'deleteAfterSeconds'> = {},
): Promise<void> {
  await send(trx, boss, kind, data, {
    ...options,
    ...(kind === 'ladder' && (await expiry(trx, data.videoId))),
  })
}

async function expiry(trx: Trx, videoId: string) {
  const video = await trx.selectFrom('videos').select('work').where('id', '=', videoId).executeTakeFirst()
  return { expireInSeconds: boundSeconds(video?.work ?? null) + BESIDE_SECONDS }
}
