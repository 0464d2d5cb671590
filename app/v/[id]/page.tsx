// One video's own page: found on the server, then kept current in the browser.
import type { Metadata } from 'next'
import { notFound } from 'next/navigation'
import { cache } from 'react'
import { videoById } from '#app/video-json.ts'
import { Watch } from './watch.tsx'

export const dynamic = 'force-dynamic'

interface VideoPageProps {
  params: Promise<{ id: string }>
}

export async function generateMetadata({ params }: VideoPageProps): Promise<Metadata> {
  const video = await findVideo((await params).id)
  return { title: video?.title ?? 'Not found' }
}

export default async function VideoPage({ params }: VideoPageProps) {
  const video = await findVideo((await params).id)
  if (!video) notFound()
  return <Watch initial={video} />
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Once per request, for the metadata and the page together. A malformed id is no video, not an error. */
const findVideo = cache(async (id: string) => (uuid.test(id) ? await videoById(id) : null))
