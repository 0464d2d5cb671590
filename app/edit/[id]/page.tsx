// The page where a video's uploader changes what is said of it, at any later time.
import type { Metadata } from 'next'
import { notFound } from 'next/navigation'
import { EditScreen } from '#app/edit/edit-screen.tsx'
import { videoById } from '#app/video-json.ts'

export const dynamic = 'force-dynamic'
export const metadata: Metadata = { title: 'Edit', robots: { index: false } }

export default async function EditPage({ params }: { params: Promise<{ id: string }> }) {
  const video = await videoById((await params).id)
  if (!video) notFound()
  return <EditScreen initial={video} />
}
