// Installing a Debian package without asking anything. Must not know what it is for.
import { existsSync, readdirSync } from 'node:fs'
import { run } from './processes.ts'
import { elapsed, type Say, Sentence } from './say.ts'

/**
 * What `find` finds, if need be after installing Debian's packages.
 * @throws Sentence saying how to get it otherwise
 */
export async function ensure<Found>(
  what: { name: string; packages: string[]; howTo: string },
  find: () => Found | null | Promise<Found | null>,
  say: Say,
  signal: AbortSignal,
): Promise<Found> {
  const { name, packages, howTo } = what
  const found = await find()
  if (found) return found
  if (!canUseApt()) throw new Sentence(`${name} is needed and was not found: ${howTo}.`)
  say(`Installing ${name} with apt-get`)
  const start = performance.now()
  await installWithApt(packages, signal)
  const installed = await find()
  if (!installed) throw new Sentence(`apt-get installed ${name}, but it is not on the PATH: ${howTo}.`)
  say(`${name} installed in ${elapsed(start)}`)
  return installed
}

export function canUseApt(): boolean {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get')
}

/** @throws Sentence with apt's last lines */
async function installWithApt(packages: string[], signal: AbortSignal): Promise<void> {
  const apt = (...args: string[]) =>
    run('apt-get', 'apt-get', ['-o', 'DPkg::Lock::Timeout=300', ...args], {
      cwd: '/',
      env: { DEBIAN_FRONTEND: 'noninteractive' },
      show: 'nothing',
      signal,
    })
  const install = () => apt('install', '-y', '--no-install-recommends', ...packages)
  if (!hasLists()) await apt('update')
  try {
    await install()
  } catch (error) {
    if (!(error instanceof Sentence)) throw error
    // Lists from some time ago name versions that the mirror no longer holds.
    await apt('update')
    await install()
  }
}

/** Container images come without package lists. */
function hasLists(): boolean {
  const folder = '/var/lib/apt/lists'
  return existsSync(folder) && readdirSync(folder).some(name => /_Packages(\.\w+)?$/.test(name))
}
