// Unknown addresses, and videos that do not exist or were removed. There is no loading.tsx above
// it on purpose: once a page has begun to stream, its status can no longer become 404.
import type { Metadata } from 'next'
import { FilmIcon } from '#app/icons.tsx'
import { Message } from '#app/message.tsx'
import { Link } from '#app/ui/link.tsx'

export const metadata: Metadata = { title: 'Not found' }

export default function NotFound() {
  return (
    <Message
      title="There is nothing here"
      sign={<FilmIcon />}
      actions={
        <Link href="/" className="button">
          Go to the feed
        </Link>
      }
    >
      <p>The video may have been removed, or the address is not quite right.</p>
    </Message>
  )
}
