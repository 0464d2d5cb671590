// Where people reach this site, for addresses that are read elsewhere: by other sites, chats, feed readers.
import { currentRequest } from '#app/requests.ts'
import { loadConfig } from '#config'

const { publicUrl } = loadConfig(process.cwd())
const HOST = /^[a-z0-9.-]+(:\d{1,5})?$|^\[[0-9a-f:.]+\](:\d{1,5})?$/i

export const siteName = 'pgreel'
export const siteDescription = 'Upload a short video, watch it in the feed seconds later.'
/** A page's title of words that people wrote: in Next.js's template a $ of theirs would be a pattern. */
export const titleOf = (words: string) => ({ absolute: `${words} · ${siteName}` })
/** For each page's metadata: theirs replace the frame's. */
export const feedLink = { 'application/rss+xml': [{ url: '/feed.xml', title: 'Newest videos' }] }

/** PUBLIC_URL, else what the browser asked for; without a slash at its end. */
export function siteUrl(): string {
  if (publicUrl) return publicUrl
  const headers = currentRequest()?.incoming?.headers ?? {}
  const [proto, forwarded] = ['x-forwarded-proto', 'x-forwarded-host'].map(name => first(headers[name]))
  const host = forwarded || headers.host || ''
  return `${proto === 'https' ? 'https' : 'http'}://${HOST.test(host) ? host : 'localhost'}`
}

/** The first of several proxies saw what the browser asked for. */
function first(header: string | string[] | undefined): string {
  return (
    String(header ?? '')
      .split(',')[0]
      ?.trim() ?? ''
  )
}
