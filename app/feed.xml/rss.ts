// Videos as RSS 2.0 (https://www.rssboard.org/rss-specification), each with its MP4. Pure.
import type { Video } from '#app/video.ts'

interface Channel {
  title: string
  description: string
  /** the page that shows the same */
  link: string
  /** the feed's own address */
  self: string
  /** of this site, for what is named by a path */
  site: string
}

export function rss({ title, description, link, self, site }: Channel, videos: Video[]): string {
  const absolute = (url: string) => escaped(new URL(url, site).href)
  const items = videos.map(video => {
    const page = absolute(`/v/${video.id}`)
    const bytes = video.renditions.find(({ kind }) => kind === 'mp4')?.bytes
    return [
      '<item>',
      `<title>${escaped(video.title)}</title>`,
      `<link>${page}</link>`,
      `<guid isPermaLink="true">${page}</guid>`,
      video.playableAt && `<pubDate>${new Date(video.playableAt).toUTCString()}</pubDate>`,
      video.description && `<description>${escaped(escaped(video.description))}</description>`,
      ...video.tags.map(tag => `<category>${escaped(tag)}</category>`),
      video.mp4Url && `<enclosure url="${absolute(video.mp4Url)}" length="${bytes ?? 0}" type="video/mp4"/>`,
      video.posterUrl && `<media:thumbnail url="${absolute(video.posterUrl)}"/>`,
      '</item>',
    ]
  })
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/">',
    '<channel>',
    `<title>${escaped(title)}</title>`,
    `<link>${escaped(link)}</link>`,
    `<description>${escaped(description)}</description>`,
    `<atom:link href="${escaped(self)}" rel="self" type="application/rss+xml"/>`,
    ...items.flat(),
    '</channel>',
    '</rss>',
  ]
  return `${lines.filter(Boolean).join('\n')}\n`
}

const SIGNS: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }

/** A description is escaped twice: readers take what is in it for HTML. */
function escaped(text: string): string {
  return (
    text
      .replace(/[&<>"']/g, sign => SIGNS[sign] ?? '')
      // XML 1.0 §2.2 has no place for them at all.
      .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '')
  )
}
