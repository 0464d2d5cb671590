// `pnpm restore DIR`: a backup's library into an empty place, where its work goes on.
import { runBackupCommand } from './backup/command.ts'
import { restoreBackup } from './backup/restore.ts'

const usage = `Usage: pnpm restore DIR

Checks every file of the backup in DIR, then restores it into the database and the storage of this
configuration, which must be empty. Nothing may run on them. Work that was under way begins again as
soon as a worker runs.`

await runBackupCommand({ usage, alone: true }, async options => {
  const { takenAt, files } = await restoreBackup(options)
  return `Restored ${options.folder} (${takenAt}, ${files} files). Start pgreel: what was unfinished goes on by itself.`
})
