// The order of the doctor's checks, and the second look that keeps work in flight out of what is
// reported. Must not know what any check looks at.
import type { Config } from '#config'
import type { Db } from '#db/client.ts'
import type { findWalls } from '#process/walls.ts'
import { checks } from './checks.ts'

export interface Context {
  config: Config
  db: Db
  /** this machine's clock, in milliseconds */
  now: () => number
  /** before a second look, long enough for what is between two steps to be done */
  pause: () => Promise<unknown>
  /** which walls FFmpeg has, unless this machine is to be asked */
  walls?: typeof findWalls
}

export interface Breach {
  /** what is broken: the same at a second look */
  subject: string
  /** one line: what happened and what to do */
  message: string
}

export interface Check {
  name: string
  /** a phrase for when all is well */
  proves: string
  /** names of checks without which this one would only repeat what they said */
  needs: string[]
  /** asks about work that may be between two steps: only what is there twice counts */
  isLive?: boolean
  /** what it finds is told, and breaks nothing */
  isAdvice?: boolean
  find: (context: Context) => Promise<Breach[]>
}

export interface Finding {
  check: string
  proves: string
  /** null when it could not be asked, because something it needs is broken */
  ok: boolean | null
  breaches: Breach[]
  isAdvice: boolean
}

export async function* examine(context: Context): AsyncGenerator<Finding> {
  const well = new Set<string>()
  for (const check of checks) {
    const isAsked = check.needs.every(name => well.has(name))
    const breaches = isAsked ? await look(check, context) : []
    const ok = isAsked ? breaches.length === 0 : null
    if (ok) well.add(check.name)
    yield { check: check.name, proves: check.proves, ok, breaches, isAdvice: check.isAdvice ?? false }
  }
}

async function look(check: Check, context: Context): Promise<Breach[]> {
  try {
    const first = await check.find(context)
    if (first.length === 0 || !check.isLive) return first
    await context.pause()
    const subjects = new Set(first.map(breach => breach.subject))
    return (await check.find(context)).filter(breach => subjects.has(breach.subject))
  } catch (error) {
    // A check that cannot even be made has found something, and must not hide the others.
    const { message } = error as Error
    return [{ subject: check.name, message: `this could not be checked (${message.split('\n')[0]}).` }]
  }
}
