// What deploy/ says of pgreel is true, as far as can be seen without systemd or a container engine.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'

const root = path.resolve(import.meta.dirname, '..')
const read = (file: string) => readFileSync(path.join(root, 'deploy', file), 'utf8')
const { scripts, imports } = z
  .object({ scripts: z.record(z.string(), z.string()), imports: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')))

const units = readdirSync(path.join(root, 'deploy/systemd'))

// Nothing but Linux has it.
test.runIf(process.platform === 'linux')('systemd finds nothing wrong with the units', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'pgreel-units-'))
  try {
    await cp(path.join(root, 'deploy/systemd'), folder, { recursive: true })
    for (const unit of units) {
      const file = path.join(folder, unit)
      // It looks for the program that is started: here it is this clone's.
      await writeFile(file, (await readFile(file, 'utf8')).replaceAll('/opt/pgreel', root))
    }
    const files = units.map(unit => path.join(folder, unit.replace('@', '@1')))
    await cp(path.join(folder, 'pgreel-worker@.service'), path.join(folder, 'pgreel-worker@1.service'))
    const verified = spawnSync('systemd-analyze', ['verify', '--man=no', ...files], { encoding: 'utf8' })
    expect({ said: verified.stderr, status: verified.status, error: verified.error }).toEqual({
      ...{ said: '', status: 0, error: undefined },
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test.each(units)('%s starts a script of package.json, walled in', unit => {
  const text = read(`systemd/${unit}`)
  const started = [...text.matchAll(/^ExecStart(?:Pre)?=\/opt\/pgreel\/node_modules\/\.bin\/(node .+)$/gm)]
  expect(started.length).toBe(text.match(/^Exec/gm)?.length)
  for (const [, script] of started) expect(Object.values(scripts)).toContain(script)
  for (const line of ['User=pgreel', 'NoNewPrivileges=yes', 'ProtectSystem=strict', 'PrivateTmp=yes']) {
    expect(text.split('\n')).toContain(line)
  }
})

const service = z.object({
  command: z.array(z.string()).optional(),
  volumes: z.array(z.string()).optional(),
  networks: z.array(z.string()).optional(),
  depends_on: z.record(z.string(), z.unknown()).optional(),
})
const compose = z
  .object({
    services: z.record(z.string(), service),
    networks: z.record(z.string(), z.unknown()),
    volumes: z.record(z.string(), z.unknown()),
  })
  .parse(parse(read('compose.yaml'), { merge: true }))

test('every command of the image is a script of package.json, and compose.yaml uses only these', () => {
  const commands = [...read('entrypoint.sh').matchAll(/^ {4}(\w+)\) exec (.+?)(?: "\$@")? ;;$/gm)]
  const names = commands.map(([, name]) => name)
  expect(names).toEqual(['start', 'worker', 'migrate', 'doctor', 'backup', 'restore'])
  for (const [, name = '', command] of commands) expect(scripts[name]).toBe(command)
  for (const [name, { command }] of Object.entries(compose.services))
    if (!['db', 'nginx'].includes(name)) expect(names).toContain(command?.join())
  const refused = spawnSync('sh', [path.join(root, 'deploy/entrypoint.sh'), 'other'], { encoding: 'utf8' })
  expect(refused.status).not.toBe(0)
})

test('compose.yaml names only services, networks, volumes and files that exist', () => {
  const { services, networks, volumes } = compose
  expect(Object.keys(services).sort()).toEqual(['db', 'migrate', 'nginx', 'web', 'worker'])
  for (const [name, { volumes: mounted = [], networks: joined = [], depends_on = {} }] of Object.entries(
    services,
  )) {
    for (const other of Object.keys(depends_on)) expect(Object.keys(services), name).toContain(other)
    for (const network of joined) expect(Object.keys(networks), name).toContain(network)
    for (const [source = ''] of mounted.map(mount => mount.split(':'))) {
      // The certificate is the operator's.
      if (source === './certs') continue
      if (source.startsWith('.')) expect(existsSync(path.join(root, 'deploy', source)), source).toBe(true)
      else expect(Object.keys(volumes), name).toContain(source)
    }
  }
  const asked = [...read('compose.yaml').matchAll(/\$\{(\w+)/g)].map(([, name = '']) => name)
  for (const name of asked) expect(read('.env.example')).toMatch(new RegExp(`^${name}=`, 'm'))
})

test('compose.yaml’s nginx finds in the shipped file what it changes', () => {
  const script = compose.services.nginx?.command?.at(-1) ?? ''
  const conf = path.join(root, 'deploy/nginx/pgreel.conf')
  const [sed = ''] = script.replaceAll('$$', '$').replace('/etc/pgreel/pgreel.conf', conf).split(' > ')
  const changed = execFileSync('sh', ['-c', sed], {
    env: { ...process.env, DOMAIN: 'own.test' },
    encoding: 'utf8',
  })
  expect(changed).toContain('server web:3000 ')
  expect(changed.match(/server_name own\.test;/g)).toHaveLength(2)
})

test('the Dockerfile copies what runs; each exists and is let through', () => {
  const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, list = '']) =>
    list.split(' '),
  )
  const needed = Object.values(imports).map(file => file.replace(/^\.\//, '').replace('/*', ''))
  for (const name of needed.filter(name => name !== 'test')) expect(copied).toContain(name)
  const allowed = read('Dockerfile.dockerignore').split('\n')
  for (const source of copied.filter(name => name !== '.')) {
    expect(existsSync(path.join(root, source)), source).toBe(true)
    expect(allowed).toContain(`!${source}`)
  }
})
