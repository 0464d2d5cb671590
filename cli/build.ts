// The production build: made when its sources have changed since, known by a hash kept inside it.
import { createHash } from 'node:crypto'
import { globSync, readFileSync, statSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { run } from './processes.ts'
import { next, root } from './project.ts'

const stampFile = path.join(root, '.next/pgreel-sources')

// Everything that `next build` reads; the lockfile stands for node_modules.
const sources = [
  ...[
    'app/**',
    'db/**',
    'media/**',
    'process/**',
    'public/**',
    'config.ts',
    'instrumentation.ts',
    'proxy.ts',
  ],
  ...['next.config.mjs', 'package.json', 'pnpm-lock.yaml', 'tsconfig.json'],
]

export function isBuildCurrent(): boolean {
  try {
    return (
      readFileSync(stampFile, 'utf8') === hashSources() &&
      statSync(path.join(root, '.next/BUILD_ID')).isFile()
    )
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

/** @throws Sentence with what `next build` wrote last */
export async function build(show: 'all' | 'nothing', signal: AbortSignal): Promise<void> {
  // Taken before: a file changed meanwhile may or may not have gone in.
  const hash = hashSources()
  await rm(stampFile, { force: true })
  const [node, args] = next('build')
  const env = { NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' }
  await run('next build', node, args, { cwd: root, env, show, signal })
  await writeFile(stampFile, hash)
}

function hashSources(): string {
  const hash = createHash('sha256')
  const files = globSync(sources, { cwd: root, exclude: name => name.endsWith('.test.ts') })
  for (const file of files.sort()) {
    if (!statSync(path.join(root, file)).isFile()) continue
    hash.update(`${file}\0`).update(readFileSync(path.join(root, file)))
  }
  return hash.digest('hex')
}
