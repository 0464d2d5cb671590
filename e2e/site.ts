// A pgreel as an operator runs it: web process and worker behind nginx, with a cache for its media.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { anyFreePort } from '#cli/ports.ts'
import { type Nginx, startNginx } from './nginx.ts'
import { expectNothingLeftBehind, type Stack, startStack } from './stack.ts'

export interface Site {
  stack: Stack
  nginx: Nginx
  /** where people come to */
  url: string
  /** that, without TLS */
  plainUrl: string
  /** another origin: the cache in front of it */
  mediaUrl: string
  clips: string
}

/** @param usesCache MEDIA_BASE_URL is the cache */
export async function withSite(
  { usesCache }: { usesCache: boolean },
  use: (site: Site) => Promise<void>,
): Promise<void> {
  const [http = 0, https = 0, media = 0] = await Promise.all([0, 0, 0].map(() => anyFreePort('127.0.0.1')))
  const [url, mediaUrl] = [`https://localhost:${https}`, `https://127.0.0.1:${media}`]
  const env = { PUBLIC_URL: url, LADDER: '240', ...(usesCache && { MEDIA_BASE_URL: mediaUrl }) }
  const stack = await startStack({ env })
  const clips = await mkdtemp(path.join(tmpdir(), 'pgreel-clips-'))
  let nginx: Nginx | null = null
  try {
    nginx = await startNginx({
      'pgreel.conf': [
        ['listen 80;', `listen 127.0.0.1:${http};`],
        ['listen [::]:80;', 'listen unix:FOLDER/80.sock;'],
        ['listen 443 ', `listen 127.0.0.1:${https} `],
        ['listen [::]:443 ', 'listen unix:FOLDER/443.sock '],
        ['videos.example', 'localhost'],
        ['/etc/ssl/pgreel/fullchain.pem', 'FOLDER/certificate.pem'],
        ['/etc/ssl/pgreel/privkey.pem', 'FOLDER/key.pem'],
        ['127.0.0.1:3000', new URL(stack.url).host],
        ['/srv/pgreel/storage', path.join(stack.dataDir, 'storage')],
      ],
      'cache.conf': [
        ['listen 443 ', `listen 127.0.0.1:${media} `],
        ['listen [::]:443 ', 'listen unix:FOLDER/media.sock '],
        ['media.example', '127.0.0.1'],
        ['/etc/ssl/pgreel-media/fullchain.pem', 'FOLDER/certificate.pem'],
        ['/etc/ssl/pgreel-media/privkey.pem', 'FOLDER/key.pem'],
        ['/etc/ssl/certs/ca-certificates.crt', 'FOLDER/certificate.pem'],
        ['videos.example:443', `localhost:${https}`],
        ['videos.example', 'localhost'],
        ['/var/cache/nginx/pgreel', 'FOLDER/cache'],
      ],
    })
    await use({ stack, nginx, url, plainUrl: `http://localhost:${http}`, mediaUrl, clips })
    await expectNothingLeftBehind(stack)
  } finally {
    await nginx?.stop()
    await stack.stop()
    await rm(clips, { recursive: true, force: true })
  }
}
