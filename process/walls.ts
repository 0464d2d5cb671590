// The walls around a program that reads what strangers sent: which of them this system can give, and the
// shell script that puts them up and then runs the program. Must not know what the program does.
import { execFile } from 'node:child_process'
import { closeSync, lstatSync, openSync, readlinkSync, readSync, realpathSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

// One output file; a bomb that grows beyond it gets SIGXFSZ.
const MAX_FILE_BYTES = 16 * 1024 ** 3
const MAX_OPEN_FILES = 512
// The data of one process: 8K decodes in a third of it, a bomb does not take the machine.
const MAX_DATA_BYTES = 6 * 1024 ** 3
// Threads count. x264 starts one and a half for each core, and that for each rung.
export const MAX_PROCESSES = 128 + 32 * availableParallelism()
// No job lasts longer than a day.
const MAX_CPU_SECONDS = 24 * 3600 * availableParallelism()
// From SIGXCPU, which says why, to SIGKILL.
const CPU_GRACE_SECONDS = 5

// Where root need not be: every system has it, also a container that knows only the first 65536.
const NOBODY = 65534

export interface Walls {
  /** those that stand, such as "no network" */
  walls: string[]
  /** those that this system cannot give, or this program cannot have */
  missing: string[]
  /** shell: the program inside them, with the script's own arguments */
  script: string
}

interface Asked {
  /** an absolute path; a script may need anything, so that it keeps this system's files and users */
  program: string
  /** a command with an input (-i) may write in its working directory, if that is in here or below */
  workFolder: string
  cpuSeconds?: number
  /** whether root will run it */
  isRoot?: boolean
}

/** What one program before the program gives, as shell words; of several the first that works is used. */
interface Way {
  gives: string[]
  words: string[]
}

/** Those that only bubblewrap gives. */
export const BOXED_WALLS = ['own files', 'no root', 'process limit']
const ALL_WALLS = ['priority', 'no network', 'limits', 'dies with the worker', ...BOXED_WALLS]

export async function findWalls(asked: Asked): Promise<Walls> {
  const { isRoot = process.getuid?.() === 0 } = asked
  // Most systems give every wall: one try then is enough.
  const whole = [PRIORITY, box(asked, isRoot), ...(isRoot ? [NO_ROOT] : []), boxedLimits(asked, isRoot)]
  const first = whole.flatMap(([way]) => way ?? [])
  const stand =
    isScript(asked.program) || !(await works(first, asked)) ? await oneByOne(asked, isRoot) : first
  const walls = ALL_WALLS.filter(name => stand.some(({ gives }) => gives.includes(name)))
  const wanted = ALL_WALLS.filter(name => isRoot || name !== 'no root')
  return {
    walls,
    missing: wanted.filter(name => !walls.includes(name)),
    script: scriptOf(stand, asked, asked.program),
  }
}

async function oneByOne(asked: Asked, isRoot: boolean): Promise<Way[]> {
  const stand: Way[] = []
  const add = async (ways: Way[]): Promise<boolean> => {
    for (const way of ways) {
      if (!(await works([...stand, way], asked))) continue
      stand.push(way)
      return true
    }
    return false
  }
  await add(PRIORITY)
  if (!isScript(asked.program) && (await add(box(asked, isRoot)))) {
    // Root's processes are not counted, whatever the limit is.
    const isCounted = !isRoot || (await add(NO_ROOT))
    await add(isCounted ? boxedLimits(asked, isRoot) : [limits(asked)])
    return stand
  }
  for (const ways of [NO_NETWORK, [limits(asked)], DIES]) await add(ways)
  return stand
}

/** Tried once in a process, as systems do not change meanwhile. */
function works(ways: Way[], asked: Asked): Promise<boolean> {
  const key = JSON.stringify([asked.program, ways])
  const result = tried.get(key) ?? tryOut(ways, asked)
  tried.set(key, result)
  return result
}
const tried = new Map<string, Promise<boolean>>()

/** With `true`, and in the box with the program as well: it may need what is not there. */
async function tryOut(ways: Way[], asked: Asked): Promise<boolean> {
  const start = (program: string, ...args: string[]) =>
    run('sh', ['-c', scriptOf(ways, asked, program), 'sh', ...args])
  try {
    await start('true')
  } catch {
    return false // not on this system or not allowed: the next way, or the wall is told as missing
  }
  if (!ways.some(({ gives }) => gives.includes('own files'))) return true
  return start(asked.program, '-version').then(
    () => true,
    // Whatever it says is its own, as long as it does start.
    ({ code, stderr }: { code: unknown; stderr: string }) =>
      code !== 126 && code !== 127 && !/^(bwrap|prlimit): /m.test(stderr),
  )
}

function scriptOf(ways: Way[], { workFolder }: Asked, program: string): string {
  const gives = ways.flatMap(way => way.gives)
  const hasBox = gives.includes('own files')
  const isNobody = gives.includes('no root')
  return [
    '#!/bin/sh',
    'parent=$PPID',
    ...(hasBox ? [findFiles(workFolder)] : []),
    // -h: what a link of an earlier command names stays what it is.
    ...(isNobody ? [`[ -z "$scratch" ] || chown -h ${NOBODY}:${NOBODY} . ./* 2>/dev/null`] : []),
    // A scrubbed environment: nothing of the worker's secrets is the program's business.
    ['exec env -i PATH=/usr/local/bin:/usr/bin:/bin LC_ALL=C.UTF-8', ...ways.flatMap(way => way.words)]
      .concat(hasBox ? quote(realProgram(program)) : quote(program), '"$@"')
      .join(' '),
    '',
  ].join('\n')
}

/** Sets $source, $folder and $scratch. None of our arguments is a stranger's text, and one file is read at most. */
function findFiles(workFolder: string): string {
  return `source= scratch=
for word; do
  case $word in
    -i) case $PWD/ in ${quote(workFolder)}/*) scratch=$PWD ;; esac ;;
    /*/*) [ "$source" ] || [ ! -f "$word" ] || source=$word folder=\${word%/*} ;;
  esac
done`
}

// Linux shares the processor among sessions first (sched(7), "The autogroup feature"): `nice` then means
// nothing to a web process in another one. So FFmpeg gets a session of its own that gives way as a whole,
// half as far: a ladder beside a machine's other work should be slow, not stand still.
// The kernel takes ten of these a second from those who are not root.
const TAKE_PRIORITY = `half=$(($(nice) / 2))
[ $half = 0 ] || for try in 1 2 3 4 5; do
  [ -w /proc/self/autogroup ] || break
  echo $half >/proc/self/autogroup && break
  sleep 0.1
done 2>/dev/null
exec "$@"`

// bubblewrap ties itself to the worker some way into its own work; on a busy machine a worker that dies
// before that would leave an FFmpeg for hours. Tied first, whoever has another parent by now comes too late.
const TIED = ['setpriv', '--pdeathsig', 'KILL', '--']
const NOT_TOO_LATE = '[ $PPID = "$0" ] || exit 1'

const PRIORITY: Way[] = [
  {
    gives: ['priority'],
    words: [...[...TIED, 'setsid', 'sh', '-c', `${NOT_TOO_LATE}\n${TAKE_PRIORITY}`].map(quote), '"$parent"'],
  },
  { gives: ['priority'], words: ['setsid', 'sh', '-c', TAKE_PRIORITY, 'sh'].map(quote) },
]

// As root directly, else inside a user namespace of its own, where the system allows one.
const NO_NETWORK: Way[] = [
  { gives: ['no network'], words: ['unshare', '--net', '--'] },
  { gives: ['no network'], words: ['unshare', '--user', '--map-current-user', '--net', '--'] },
]

// Last: a change of credentials after it would clear it.
const DIES: Way[] = [{ gives: ['dies with the worker'], words: TIED }]

/**
 * Namespaces of its own for files, processes, network and the rest, by bubblewrap. Its files are the
 * system's programs and libraries, the source, to read; its scratch, under the path that it has outside,
 * so that whoever looks for its processes by their folder finds them.
 * (--dir: what bubblewrap makes above a file by itself is root's alone.)
 */
function box({ program }: Asked, isRoot: boolean): Way[] {
  const file = realProgram(program)
  const words = [
    ...['bwrap', '--die-with-parent', '--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts'],
    ...(isRoot ? ['--cap-drop', 'ALL', ...TO_BECOME_NOBODY.flatMap(right => ['--cap-add', right])] : []),
    ...['--ro-bind', '/usr', '/usr', ...['bin', 'lib', 'lib32', 'lib64', 'sbin'].flatMap(besideUsr)],
    ...['--dir', '/etc'],
    ...['/etc/ld.so.cache', '/etc/alternatives'].flatMap(name => ['--ro-bind-try', name, name]),
    ...['--dev', '/dev'],
    // For `unshare`, which writes there. Nobody else's processes are in it.
    ...(isRoot ? ['--proc', '/proc'] : []),
    ...(file.startsWith('/usr/') ? [] : ['--dir', path.dirname(file), '--ro-bind', file, file]),
  ].map(quote)
  const given = [
    ifSet('source', '--dir "$folder" --ro-bind "$source" "$source"'),
    ifSet('scratch', '--dir "$scratch" --bind "$scratch" "$scratch"'),
    '--remount-ro /dev --remount-ro / --',
  ]
  return [{ gives: ['own files', 'no network', 'dies with the worker'], words: [...words, ...given] }]
}

function ifSet(variable: string, words: string): string {
  return `\${${variable}:+${words}}`
}

/** And to enter a working directory that is nobody's already. Whoever is not root any more has none of them. */
const TO_BECOME_NOBODY = ['CAP_SETUID', 'CAP_SETGID', 'CAP_DAC_READ_SEARCH']

/** Links into /usr, or folders of their own on older systems. */
function besideUsr(name: string): string[] {
  const folder = `/${name}`
  const found = lstatSync(folder, { throwIfNoEntry: false })
  if (found?.isSymbolicLink()) return ['--symlink', readlinkSync(folder), folder]
  return found?.isDirectory() ? ['--ro-bind', folder, folder] : []
}

const NO_ROOT: Way[] = [
  {
    gives: ['no root'],
    words: ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--'],
  },
]

/** Processes are counted for each user and user namespace: in one of its own, it counts for itself. */
function boxedLimits(asked: Asked, isRoot: boolean): Way[] {
  const ownCount = isRoot ? ['unshare', '--user', '--map-current-user', '--'] : []
  const { words } = limits(asked, [`--nproc=${MAX_PROCESSES}`])
  return [{ gives: ['limits', 'process limit'], words: [...ownCount, ...words] }, limits(asked)]
}

function limits({ cpuSeconds = MAX_CPU_SECONDS }: Asked, more: string[] = []): Way {
  const words = [
    ...['prlimit', `--fsize=${MAX_FILE_BYTES}`, '--core=0', `--nofile=${MAX_OPEN_FILES}`],
    ...[`--data=${MAX_DATA_BYTES}`, `--cpu=${cpuSeconds}:${cpuSeconds + CPU_GRACE_SECONDS}`, ...more, '--'],
  ]
  return { gives: ['limits'], words }
}

/** The box has what a link leads to, not the link. */
function realProgram(program: string): string {
  return program.startsWith('/') ? realpathSync(program) : program
}

function isScript(program: string): boolean {
  const file = openSync(program, 'r')
  try {
    const beginning = Buffer.alloc(2)
    readSync(file, beginning, 0, 2, 0)
    return beginning.toString() === '#!'
  } finally {
    closeSync(file)
  }
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
