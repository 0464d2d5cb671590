// `pnpm run doctor`: names what is broken, one line each, and says what to do; exit status 1 if anything is.
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { loadConfig } from '#config'
import { openDatabase } from '#db/client.ts'
import { type Context, examine, type Finding } from './doctor/examine.ts'
import { root } from './project.ts'
import { fail, Sentence } from './say.ts'

const usage = `Usage: pnpm run doctor [--json]

Checks this machine, the database, the storage and what must hold between them. It changes nothing
and may run at any time. Exit status 1 when anything is broken.

  --json   one line of JSON for each check`

// What stands between two steps of somebody's work is gone by then; what is broken is not.
const pauseMilliseconds = 3_000

try {
  const options = parse(process.argv.slice(2))
  if (options === 'help') console.log(usage)
  else await doctor(options.json)
} catch (error) {
  fail(error)
}
process.exit()

async function doctor(json: boolean): Promise<void> {
  const config = loadConfig(root)
  // A connection is made when one is first used; without an address none is.
  const db = openDatabase(config.databaseUrl ?? 'postgres://none.invalid', 'pgreel-doctor', () => {})
  const context: Context = { config, db, now: Date.now, pause: () => delay(pauseMilliseconds) }
  const findings: Finding[] = []
  for await (const finding of examine(context)) {
    findings.push(finding)
    if (json) console.log(JSON.stringify(finding))
    else
      for (const { message } of finding.breaches)
        console.log(`${finding.isAdvice ? 'warning  ' : ''}${finding.check}: ${message}`)
  }
  const isBroken = findings.some(({ breaches, isAdvice }) => breaches.length > 0 && !isAdvice)
  if (isBroken) process.exitCode = 1
  else if (!json) for (const { check, proves, ok } of findings) if (ok) console.log(`ok  ${check}: ${proves}`)
  await db.destroy()
}

function parse(args: string[]): { json: boolean } | 'help' {
  try {
    const { values } = parseArgs({
      args,
      options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    })
    return values.help ? 'help' : { json: values.json ?? false }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new Sentence(`${error.message}\n\n${usage}`)
  }
}
