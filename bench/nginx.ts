// nginx on the same files: what serves media where somebody cares. Debian's, with the least that is
// needed and sendfile on.
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ensure } from '#cli/apt.ts'
import { anyFreePort } from '#cli/ports.ts'
import { type Child, startChild } from '#cli/processes.ts'
import { findOnPath } from '#process/which.ts'
import type { BenchContext } from './context.ts'
import type { Stack } from './stack.ts'
import { waitUntil } from './stack.ts'

/** @returns the process and its address; `/media/` is the storage */
export async function startNginx(
  context: BenchContext,
  { dataDir }: Stack,
): Promise<Child & { url: string }> {
  const howTo = 'install it (Debian: `apt-get install nginx-light`)'
  const nginxPackage = { name: 'nginx', packages: ['nginx-light'], howTo }
  const program = await ensure(nginxPackage, findNginx, context.say, context.signal)
  const folder = path.join(dataDir, 'nginx')
  await mkdir(folder)
  const port = await anyFreePort('127.0.0.1')
  await writeFile(path.join(folder, 'nginx.conf'), configuration(folder, path.join(dataDir, 'storage'), port))
  const args = ['-p', folder, '-c', path.join(folder, 'nginx.conf'), '-e', path.join(folder, 'error.log')]
  const nginx = startChild('nginx', program, args, { cwd: folder, show: 'problems' })
  context.closing.defer(() => nginx.stop())
  const url = `http://127.0.0.1:${port}`
  await waitUntil(context, () =>
    fetch(url).then(
      () => true,
      () => false, // not listening yet
    ),
  )
  return { ...nginx, url }
}

/** Debian puts it where only root looks. */
function findNginx(): string | null {
  const usual = '/usr/sbin/nginx'
  return findOnPath('nginx') ?? (existsSync(usual) ? usual : null)
}

/** One process, as the web process is one. */
function configuration(folder: string, storage: string, port: number): string {
  const isRoot = process.getuid?.() === 0
  return `
    daemon off;
    worker_processes 1;
    ${isRoot ? 'user root;' : ''}
    pid ${folder}/nginx.pid;
    events { worker_connections 512; }
    http {
      access_log off;
      sendfile on;
      tcp_nopush on;
      keepalive_requests 1000000;
      types { video/mp4 mp4 m4s; }
      client_body_temp_path ${folder}/body;
      proxy_temp_path ${folder}/proxy;
      fastcgi_temp_path ${folder}/fastcgi;
      uwsgi_temp_path ${folder}/uwsgi;
      scgi_temp_path ${folder}/scgi;
      server {
        listen 127.0.0.1:${port};
        location /media/ {
          alias ${storage}/;
          add_header Cache-Control "public, max-age=31536000, immutable";
          add_header Access-Control-Allow-Origin "*";
        }
      }
    }`
}
