// One video's address: the feed, opened at it; while there is nothing to play yet, how far it is.
import type { Metadata } from 'next'
import { notFound } from 'next/navigation'
import { cache } from 'react'
import { Feed } from '#app/feed/feed.tsx'
import { pageFrom } from '#app/feed/first-page.ts'
import { feedLink, siteName, siteUrl, titleOf } from '#app/site.ts'
import type { Video } from '#app/video.ts'
import { videoById } from '#app/video-json.ts'
import { Watch } from './watch.tsx'

export const dynamic = 'force-dynamic'

interface VideoPageProps {
  params: Promise<{ id: string }>
}

export async function generateMetadata({ params }: VideoPageProps): Promise<Metadata> {
  const video = await findVideo((await params).id)
  return video ? describeVideo(video) : { title: 'Not found' }
}

/** What chats and other sites show of a link to it (https://ogp.me). */
function describeVideo(video: Video): Metadata {
  const { title, width, height, mp4Url, posterUrl } = video
  const description = [...video.description].slice(0, 300).join('') || `A short video on ${siteName}.`
  const size = width && height ? { width, height } : {}
  const url = `${siteUrl()}/v/${video.id}`
  const images = posterUrl ? [{ url: posterUrl, alt: title }] : []
  return {
    title: titleOf(title),
    description,
    alternates: { canonical: url, types: feedLink },
    openGraph: {
      ...{ type: 'video.other', siteName, title, description, url, images },
      // Of all addresses Next.js leaves this one as it is.
      videos: mp4Url ? [{ url: new URL(mp4Url, siteUrl()), type: 'video/mp4', ...size }] : [],
    },
    twitter: { card: posterUrl ? 'summary_large_image' : 'summary', title, description, images },
  }
}

export default async function VideoPage({ params }: VideoPageProps) {
  const video = await findVideo((await params).id)
  if (!video) notFound()
  const page = await pageFrom(video)
  return video.playable ? <Feed firstPage={page} /> : <Watch page={page} />
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Once per request, for the metadata and the page together. A malformed id is no video, not an error. */
const findVideo = cache(async (id: string) => (uuid.test(id) ? await videoById(id) : null))
