// Next.js's link, but what it leads to is fetched when it is followed: each page is made for each request, and
// the feed would have others made for everybody who opens it, beside the video that they came for.
import NextLink from 'next/link'
import type { ComponentProps } from 'react'

export function Link(props: ComponentProps<typeof NextLink>) {
  return <NextLink prefetch={false} {...props} />
}
