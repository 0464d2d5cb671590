// A program in FFmpeg's place that tries to get out, as root and as a user like any other: a shell, as
// everything that it needs is there on any system.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeFolder, processesIn } from '#test/worker.ts'
import { findWalls, MAX_PROCESSES } from './walls.ts'

const run = promisify(execFile)
const SECRET = 'hunter2'
const isRoot = process.getuid?.() === 0
const SOMEBODY = 54321
/** In the place of `env`, with which walls begin: until its parent is dead. */
const ENV_THAT_WAITS = `#!/bin/sh
touch waits
while [ -d /proc/$PPID ]; do sleep 0.02; done
touch goes-on
exec /usr/bin/env "$@"
`

let server: Server
let port: number
let calls = 0
beforeAll(async () => {
  process.env.PGREEL_TEST_SECRET = SECRET
  server = createServer(socket => {
    calls++
    socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  port = typeof address === 'object' && address ? address.port : 0
})
afterAll(() => {
  server.close()
})

describe.each(isRoot ? ['root', 'a user'] : ['a user'])('as %s', who => {
  let folder: string
  let scratch: string
  let source: string
  let script: string
  beforeAll(async () => {
    folder = await makeFolder()
    scratch = path.join(folder, 'scratch', 'token')
    await mkdir(path.join(scratch, 'v240'), { recursive: true })
    source = path.join(folder, 'sources', 'source')
    await mkdir(path.dirname(source))
    for (const name of [source, path.join(folder, 'canary'), path.join(folder, 'sources/other')])
      await writeFile(name, SECRET)
    await run('chmod', ['-R', 'go+rX', folder])
    const found = await findWalls({ program: '/bin/bash', workFolder: folder, isRoot: who === 'root' })
    expect(found.missing).toEqual([])
    script = path.join(folder, 'script')
    await writeFile(script, found.script, { mode: 0o755 })
    if (who !== 'root' && isRoot) await run('chown', ['-R', String(SOMEBODY), scratch])
  })

  const asWho = () =>
    isRoot && who !== 'root'
      ? ['setpriv', `--reuid=${SOMEBODY}`, `--regid=${SOMEBODY}`, '--clear-groups']
      : []
  /** Words of the shell inside, and what became of it. */
  const inside = async (command: string) => {
    const [program = '', ...args] = [...asWho(), script, '-c', command, '-i', source]
    return run(program, args, { cwd: scratch }).then(
      ({ stdout, stderr }) => ({ stdout, stderr, code: 0 }),
      ({ stdout, stderr, code }: { stdout: string; stderr: string; code: number }) => ({
        stdout,
        stderr,
        code,
      }),
    )
  }

  test('it reads its source and writes in its scratch, which is what it is for', async () => {
    const { stdout, code } = await inside(`cat '${source}'; echo yes > here; echo yes > v240/there; pwd`)
    expect({ stdout, code }).toEqual({ stdout: `${SECRET}${scratch}\n`, code: 0 })
    expect(await readFile(path.join(scratch, 'v240/there'), 'utf8')).toBe('yes\n')
  })

  test('it finds no other file: none beside its source, none of the system’s secrets, no other folder', async () => {
    const names = ['canary', 'sources/other', 'script'].map(name => path.join(folder, name))
    for (const name of [...names, '/etc/shadow', '/etc/passwd', import.meta.filename, process.execPath])
      expect(await inside(`cat '${name}'`), name).toMatchObject({ code: 1, stdout: '' })
    const { stdout } = await inside(`cd '${folder}'; echo * sources/* /root/* /home/* /tmp/*`)
    expect(stdout.trim().split(' ')).toEqual(
      expect.arrayContaining(['scratch', 'sources', 'sources/source', '/root/*', '/home/*']),
    )
    expect(stdout).not.toContain('canary')
  })

  test('it does not begin once who started it has died, however early that was', async () => {
    const slow = path.join(folder, `slow-${who.replace(' ', '-')}`)
    await mkdir(slow)
    await writeFile(path.join(slow, 'env'), ENV_THAT_WAITS, { mode: 0o755 })
    const { pid = 0 } = spawn(
      'sh',
      ['-c', '"$@" & wait', 'sh', ...asWho(), script, '-c', 'echo yes > late', '-i', source],
      {
        cwd: scratch,
        // Between the script's first line and the walls.
        env: { ...process.env, PATH: `${slow}:${process.env.PATH}` },
      },
    )
    await expect.poll(() => readdir(scratch)).toContain('waits')
    process.kill(pid, 'SIGKILL')
    await expect.poll(() => readdir(scratch)).toContain('goes-on')
    await expect.poll(() => processesIn(scratch)).toEqual([])
    expect(await readdir(scratch)).not.toContain('late')
    for (const name of ['waits', 'goes-on']) await rm(path.join(scratch, name))
  })

  test('it cannot write, whatever it tries, but in its scratch', async () => {
    const places = ['/', '/dev/', '/dev/shm/', '/tmp/', '/usr/', '/usr/lib/', `${folder}/`, `${scratch}/../`]
    for (const place of places)
      expect(await inside(`echo no > '${place}written'`), place).toMatchObject({ code: 1 })
    expect(await inside(`echo no > '${source}'`)).toMatchObject({ code: 1 })
    expect(await readFile(source, 'utf8')).toBe(SECRET)
    expect(await readdir(folder)).not.toContain('written')
  })

  test('it reaches nobody: no socket that listens, on this machine or another', async () => {
    expect(await inside(`exec 3<>/dev/tcp/127.0.0.1/${port}`)).toMatchObject({ code: 1 })
    expect(await inside('exec 3<>/dev/tcp/192.0.2.1/80')).toMatchObject({ code: 1 })
    expect(calls).toBe(0)
  })

  test('it sees no process but its own, and nothing of the environment of who started it', async () => {
    const { stdout } = await inside(
      `env; echo /proc/[0-9]*; cat /proc/*/environ /proc/${process.pid}/environ`,
    )
    expect(stdout).toContain('LC_ALL=C.UTF-8')
    expect(stdout).not.toContain(SECRET)
    expect(stdout).not.toContain('HOME=')
    expect(await inside(`kill -0 ${process.pid}`)).toMatchObject({ code: 1 })
  })

  test('it is nobody', async () => {
    const { stdout } = await inside('id -u; echo > mine; chown 0 mine || echo stays')
    expect(stdout).toBe(`${who === 'root' ? 65534 : isRoot ? SOMEBODY : process.getuid?.()}\nstays\n`)
    expect((await stat(path.join(scratch, 'mine'))).uid).not.toBe(0)
  })

  test('it starts so many processes, and not one more', async () => {
    const bomb = `i=0; while [ $i -lt ${3 * MAX_PROCESSES} ]; do sleep 60 & i=$((i + 1)); echo $i; done`
    const { stdout, code } = await inside(`exec sh -c '${bomb}'`)
    const started = stdout.trim().split('\n').length
    expect(code).not.toBe(0)
    expect(started).toBeGreaterThan(MAX_PROCESSES - 20)
    expect(started).toBeLessThanOrEqual(MAX_PROCESSES)
    expect(await processesIn(scratch)).toEqual([])
  })

  test('a file beyond the limit, and memory beyond it, it does not get', async () => {
    const [fsize, data] = [16 * 1024, 6 * 1024].map(megabytes => `${megabytes}M`)
    const large = await inside(`dd if=/dev/zero of=large bs=1 count=1 seek=${fsize}; echo $?`)
    expect(large.stdout, 'killed by SIGXFSZ').toBe('153\n')
    expect(await inside(`dd if=/dev/null of=/dev/null bs=${data}`)).toMatchObject({
      ...{ code: 1, stderr: expect.stringMatching(/memory exhausted|Cannot allocate/) },
    })
    expect((await inside('ulimit -t')).stdout).toMatch(/^\d+\n$/)
  })

  test('killed from outside, all that it started ends with it', async () => {
    const [program = '', ...args] = [...asWho(), script, '-c', 'trap "" TERM; sleep 300 & sleep 300', '-i']
    const child = spawn(program, args, { cwd: scratch, stdio: 'ignore' })
    await expect.poll(async () => (await processesIn(scratch)).length).toBeGreaterThan(3)
    child.kill('SIGKILL')
    await expect.poll(() => processesIn(scratch)).toEqual([])
  })

  test('its exit status is its own', async () => {
    expect(await inside('exit 7')).toMatchObject({ code: 7 })
    expect(await inside('kill -SEGV $$')).toMatchObject({ code: 128 + 11 })
  })
})

test('without an input it gets no folder to write in', async () => {
  const folder = await makeFolder()
  const { script } = await findWalls({ program: '/bin/bash', workFolder: folder })
  await expect(run('sh', ['-c', script, 'sh', '-c', 'echo > here'], { cwd: folder })).rejects.toThrow()
  expect(await readdir(folder)).toEqual([])
})

test('a script in the program’s place keeps its files and its user, and that is said', async () => {
  const program = path.join(await makeFolder(), 'script')
  await writeFile(program, '#!/bin/sh\nid -u; cat "$0"', { mode: 0o755 })
  const { missing, script } = await findWalls({ program, workFolder: path.dirname(program) })
  expect(missing).toEqual(['own files', ...(isRoot ? ['no root'] : []), 'process limit'])
  expect((await run('sh', ['-c', script, 'sh'])).stdout).toBe(
    `${process.getuid?.()}\n#!/bin/sh\nid -u; cat "$0"`,
  )
})
