// `pnpm backup DIR`: everything a new place needs, as of one moment, while pgreel runs or not.
import { runBackupCommand } from './backup/command.ts'
import { makeBackup } from './backup/make.ts'

const usage = `Usage: pnpm backup DIR

Writes the database and the videos' files, as of one moment, to the folder DIR, which must not exist
or be empty. pgreel may run meanwhile. On the storage's own disk it takes next to no room (links):
copy it elsewhere, or name a folder on another disk.`

await runBackupCommand({ usage, alone: false }, async options => {
  const manifest = await makeBackup(options)
  for (const key of manifest.missing)
    console.error(
      `warning: ${key} is not in the storage, so it is not in the backup: see \`pnpm run doctor\``,
    )
  return `Backed up ${rowsOf(manifest.tables)} rows, ${manifest.files} files, ${(manifest.bytes / 1e6).toFixed(1)} MB to ${options.folder}`
})

function rowsOf(tables: { rows: number }[]): number {
  return tables.reduce((sum, table) => sum + table.rows, 0)
}
