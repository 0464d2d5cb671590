// Debian's nginx for a test, with the very files of deploy/nginx: only what they tell an operator to
// change is changed. In the foreground, unprivileged, on free ports, in a folder of its own.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'playwright/test'
import { findProgram } from '#cli/test-programs.ts'

const NOBODY = 65_534

export interface Nginx {
  /** the certificate that its servers show, for `ask` */
  certificate: string
  /** what it has answered so far: `<server's port> <method> <path> <status> <cache> <upstream>` */
  answered: () => Promise<string[]>
  stop: () => Promise<void>
}

/**
 * @param sites files of deploy/nginx, each with what stands in it and what is to stand there instead,
 *   in order; `FOLDER` becomes the folder that nginx may write to
 */
export async function startNginx(sites: Record<string, [string, string][]>): Promise<Nginx> {
  const folder = await mkdtemp(path.join(tmpdir(), 'pgreel-nginx-'))
  await chmod(folder, 0o755)
  const certificate = await makeCertificate(folder)
  await mkdir(path.join(folder, 'sites'))
  for (const [name, changes] of Object.entries(sites)) {
    let text = await readFile(path.resolve(import.meta.dirname, '../deploy/nginx', name), 'utf8')
    for (const [there, instead] of changes) {
      if (!text.includes(there)) throw new Error(`${name} has no "${there}" to change`)
      text = text.replaceAll(there, instead.replaceAll('FOLDER', folder))
    }
    await writeFile(path.join(folder, 'sites', name), text)
  }
  await writeFile(path.join(folder, 'nginx.conf'), mainConfig(folder))
  await writeFile(path.join(folder, 'access.log'), '', { mode: 0o666 })
  const isRoot = process.getuid?.() === 0
  if (isRoot) {
    for (const name of ['', 'access.log', 'key.pem']) await chown(path.join(folder, name), NOBODY, NOBODY)
  }
  const child = spawn(findProgram('nginx') ?? 'nginx', ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(isRoot && { uid: NOBODY, gid: NOBODY }),
  })
  let problems = ''
  child.stderr.on('data', chunk => (problems += chunk))
  const ended = once(child, 'exit')
  const stop = async () => {
    if (child.exitCode === null) child.kill('SIGTERM')
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  const pidFile = path.join(folder, 'nginx.pid')
  const isUp = async () => child.exitCode !== null || (await readFile(pidFile, 'utf8').catch(() => '')) !== ''
  await expect.poll(isUp, { message: problems }).toBe(true)
  if (child.exitCode !== null) {
    await stop()
    throw new Error(`nginx does not start:\n${problems}`)
  }
  const answered = async () =>
    (await readFile(path.join(folder, 'access.log'), 'utf8')).split('\n').slice(0, -1)
  return { certificate, answered, stop }
}

function mainConfig(folder: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `
    daemon off;
    pid nginx.pid;
    worker_processes 2;
    events { worker_connections 256; }
    http {
      ${temporary.map(name => `${name}_temp_path ${folder}/${name};`).join('\n      ')}
      log_format seen '$server_port $request_method $uri $status $upstream_cache_status $upstream_addr';
      access_log ${folder}/access.log seen;
      include ${folder}/sites/*;
    }`
}

async function makeCertificate(folder: string): Promise<string> {
  const file = path.join(folder, 'certificate.pem')
  execFileSync(
    'openssl',
    [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...['-subj', '/CN=pgreel test', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
      ...['-keyout', path.join(folder, 'key.pem'), '-out', file],
    ],
    { stdio: 'pipe' },
  )
  return readFile(file, 'utf8')
}

interface Question {
  method?: string
  headers?: Record<string, string>
  body?: Buffer
  certificate?: string
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

/** One request on a connection of its own; the path goes out as it is written, dots and all. */
export async function ask(origin: string, target: string, question: Question = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, certificate } = question
  const { protocol, hostname, port } = new URL(origin)
  const options = { hostname, port, method, path: target, agent: false, headers, ca: certificate }
  const request = protocol === 'https:' ? httpsRequest(options) : httpRequest(options)
  request.end(body)
  const [response] = await once(request, 'response')
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }
}
