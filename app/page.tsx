// The feed. Its first page is in the HTML; the rest comes through the API.
import { Feed } from '#app/feed/feed.tsx'
import { feedPageSize } from '#app/feed/page-size.ts'
import { feedPage } from '#app/video-json.ts'

export const dynamic = 'force-dynamic'

export default async function FeedPage() {
  return <Feed firstPage={await feedPage(null, feedPageSize)} />
}
