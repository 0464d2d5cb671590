'use client'
// Likes: how many there are, and one's own.
import { HeartIcon } from '#app/icons.tsx'
import { useLikes } from '#app/player/like.ts'
import type { Video } from '#app/video.ts'

// One language, so that server and browser write the same.
const short = new Intl.NumberFormat('en', { notation: 'compact' })

interface LikeButtonProps {
  video: Video
  className: string | undefined
  onToggle(): void
}

export function LikeButton({ video, className, onToggle }: LikeButtonProps) {
  const known = useLikes(video)
  if (!known) return null
  const { likes, liked } = known
  return (
    <button
      type="button"
      className={className}
      aria-label={likes === 0 ? 'Like' : `Like, ${likes} so far`}
      aria-pressed={liked}
      title={liked ? 'Like no longer (l)' : 'Like (l)'}
      data-liked={liked || undefined}
      onClick={onToggle}
    >
      <HeartIcon filled={liked} />
      {likes > 0 && <span aria-hidden="true">{short.format(likes)}</span>}
    </button>
  )
}
