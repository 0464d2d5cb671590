// What `pnpm backup` and `pnpm restore` have in common on the command line.
import path from 'node:path'
import { loadConfig } from '#config'
import { requireConnection } from '#db/client.ts'
import { toldToStop } from '#process/told-to-stop.ts'
import { root } from '../project.ts'
import { fail, Sentence, timedSay } from '../say.ts'
import { withDatabase } from './database.ts'

interface Work {
  databaseUrl: string
  storageDir: string
  /** absolute */
  folder: string
  signal: AbortSignal
}

/** @param work returns the line that says what was done */
export async function runBackupCommand(
  { usage, alone }: { usage: string; alone: boolean },
  work: (work: Work) => Promise<string>,
): Promise<never> {
  const { signal } = toldToStop()
  const [name, ...rest] = process.argv.slice(2)
  try {
    if (!name || name.startsWith('-') || rest.length > 0) {
      console.log(usage)
      process.exitCode = name === '--help' || name === '-h' ? 0 : 1
    } else {
      const config = loadConfig(root)
      const say = timedSay()
      // pnpm runs scripts in the project; INIT_CWD is where the command was typed.
      const folder = path.resolve(process.env.INIT_CWD ?? process.cwd(), name)
      const done = await withDatabase({ config, say, alone }, async databaseUrl => {
        await requireConnection(databaseUrl)
        return work({ databaseUrl, storageDir: config.storageDir, folder, signal })
      })
      say(done)
    }
  } catch (error) {
    // Whatever failed then, failed because of that, but what says more.
    if (signal.aborted && !(error instanceof Sentence))
      console.error(`Stopped (${signal.reason.message}): nothing was written.`)
    else fail(error)
    process.exitCode = signal.aborted ? 130 : 1
  }
  process.exit()
}
