// What the operating system knows of a process: whether it lives, since when, whose child it is.
// Linux is read from /proc (Debian's slim images have no ps); elsewhere `ps` is asked.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'

const hasProc = existsSync('/proc/self/stat')

/** A process that still is the one we mean: numbers are used again, start times are not. */
export interface ProcessId {
  pid: number
  startedAt: string
}

/** Identifies a living process; null when there is none, or only a zombie that nobody has reaped. */
export function identify(pid: number): ProcessId | null {
  const row = readRow(pid)
  return row && { pid, startedAt: row.startedAt }
}

export function isAlive(id: ProcessId): boolean {
  return readRow(id.pid)?.startedAt === id.startedAt
}

/** The processes above this one, nearest first, without process 1. */
export function ancestors(): (ProcessId & { command: string })[] {
  const found = []
  for (let pid = process.ppid; pid > 1; ) {
    const row = readRow(pid)
    if (!row) break
    found.push({ pid, startedAt: row.startedAt, command: row.command })
    pid = row.parent
  }
  return found
}

/** Whether `pid` runs in `folder` (Linux) or names it in its arguments (elsewhere). */
export function belongsTo(pid: number, folder: string): boolean {
  if (!hasProc) return readRow(pid)?.command.includes(folder) ?? false
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === folder
  } catch (error) {
    if (isGone(error)) return false
    throw error
  }
}

/** Every process of this system with the words that it was started with; nothing where there is no /proc. */
export function listCommands(): { pid: number; words: string[] }[] {
  if (!hasProc) return []
  return readdirSync('/proc').flatMap(name => {
    const words = /^\d+$/.test(name) && readWords(Number(name))
    return words ? [{ pid: Number(name), words }] : []
  })
}

interface Row {
  parent: number
  startedAt: string
  command: string
}

function readRow(pid: number): Row | null {
  return hasProc ? readProc(pid) : askPs(pid)
}

function readProc(pid: number): Row | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold spaces and parentheses itself: count from the last one.
    // man 5 proc: then state, ppid, …; starttime is field 22 of the whole line.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return null
    const command = readWords(pid)?.join(' ') ?? ''
    return { parent: Number(fields[1]), startedAt: fields[19] ?? '', command }
  } catch (error) {
    if (isGone(error)) return null
    throw error
  }
}

function readWords(pid: number): string[] | null {
  try {
    // A program that writes there itself may leave out the last NUL, or fill up with more.
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0+$/, '').split('\0')
  } catch (error) {
    if (isGone(error)) return null
    throw error
  }
}

function askPs(pid: number): Row | null {
  const ps = spawnSync('ps', ['-o', 'stat=,ppid=,lstart=,command=', '-p', String(pid)], { encoding: 'utf8' })
  const [, state, parent, startedAt, command] =
    /^\s*(\S+)\s+(\d+)\s+(\S+ +\S+ +\S+ +\S+ +\S+)\s+(.*)$/m.exec(ps.stdout ?? '') ?? []
  if (!state || state.startsWith('Z')) return null
  return { parent: Number(parent), startedAt: startedAt ?? '', command: command ?? '' }
}

/** ESRCH: it ended while we read. EACCES, or EPERM where /proc hides them: it is another user's, so not ours. */
function isGone(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code
  return code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM'
}
