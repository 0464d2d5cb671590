'use client'
// Likes: how many there are, and one's own.
import { HeartIcon } from '#app/icons.tsx'
import { shortNumber } from '#app/live/words.ts'
import { useLikes } from '#app/player/like.ts'
import type { Video } from '#app/video.ts'

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
      {likes > 0 && <span aria-hidden="true">{shortNumber(likes)}</span>}
    </button>
  )
}
