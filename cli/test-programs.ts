// Finds the programs that the tests of deploy/ run, or installs Debian's.
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { findOnPath } from '#process/which.ts'
import { ensure } from './apt.ts'
import { run } from './processes.ts'
import type { Say } from './say.ts'

const packages = { nginx: 'nginx', openssl: 'openssl', 'systemd-analyze': 'systemd' } as const
type TestProgram = keyof typeof packages

// Asked before a package's own script starts a service; 101 is no.
const policy = '/usr/sbin/policy-rc.d'

/** @throws Sentence saying how to get what is missing */
export async function ensurePrograms(names: TestProgram[], say: Say, signal: AbortSignal): Promise<void> {
  const missing = names.filter(name => !findProgram(name))
  if (missing.length === 0) return
  const wanted = missing.map(name => packages[name])
  const howTo = `install ${wanted.join(' and ')}, which the tests of deploy/ run`
  const find = () => missing.every(findProgram) || null
  await withoutServices(() =>
    ensure({ name: missing.join(', '), packages: wanted, howTo }, find, say, signal),
  )
  // Nor is a web server to be up after the next boot because tests were run.
  if (missing.includes('nginx') && findOnPath('systemctl')) {
    await run('systemctl', 'systemctl', ['disable', 'nginx'], { cwd: '/', show: 'nothing', signal })
  }
}

/** Servers lie where only root's PATH leads. */
export function findProgram(name: TestProgram): string | null {
  return findOnPath(name) ?? [`/usr/sbin/${name}`].find(existsSync) ?? null
}

/** What is installed meanwhile starts nothing; who has a policy of their own has decided. */
async function withoutServices(work: () => Promise<unknown>): Promise<void> {
  const isOurs = process.getuid?.() === 0 && !existsSync(policy)
  try {
    if (isOurs) await writeFile(policy, '#!/bin/sh\nexit 101\n', { flag: 'wx', mode: 0o755 })
    await work()
  } finally {
    if (isOurs) await rm(policy, { force: true })
  }
}
