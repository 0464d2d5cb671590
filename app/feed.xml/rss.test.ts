import { expect, test } from 'vitest'
import type { Video } from '#app/video.ts'
import { rss } from './rss.ts'

const channel = {
  title: 'a',
  description: 'b',
  link: 'https://s.example/',
  self: 'https://s.example/feed.xml',
}

const video = {
  ...{ id: 'i', title: `<b>"Tom & Jerry's"</b>\u0001`, description: '1 < 2', tags: ['cat'] },
  ...{ playableAt: '2026-01-02T03:04:05.000Z', mp4Url: '/media/k/video.mp4', posterUrl: null },
  renditions: [{ kind: 'mp4', bytes: 1234 }],
} as Partial<Video> as Video

test('whatever people write stays text, and each video has its MP4 with its length', () => {
  const feed = rss({ ...channel, site: 'https://s.example' }, [video])
  expect(feed).toContain('<title>&lt;b&gt;&quot;Tom &amp; Jerry&apos;s&quot;&lt;/b&gt;</title>')
  expect(feed).toContain('<description>1 &amp;lt; 2</description>')
  expect(feed).toContain('<category>cat</category>')
  expect(feed).toContain('<pubDate>Fri, 02 Jan 2026 03:04:05 GMT</pubDate>')
  expect(feed).toContain(
    '<enclosure url="https://s.example/media/k/video.mp4" length="1234" type="video/mp4"/>',
  )
  expect(feed).toContain('<guid isPermaLink="true">https://s.example/v/i</guid>')
})

test('media that a CDN serves keep its address', () => {
  const elsewhere = { ...video, mp4Url: 'https://cdn.example/media/k/video.mp4' }
  expect(rss({ ...channel, site: 'https://s.example' }, [elsewhere])).toContain(
    'url="https://cdn.example/media/k/video.mp4"',
  )
})
