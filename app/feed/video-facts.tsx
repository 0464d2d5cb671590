// The small print of a video: how long, how sharp, how often seen, since when.
import { count, lengthClock } from '#app/live/words.ts'
import { hasSound } from '#app/player/sound-button.tsx'
import type { Video } from '#app/video.ts'

// One language and time zone, so that server and browser write the same.
const day = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  timeZone: 'UTC',
})

export function VideoFacts({ video }: { video: Video }) {
  const facts = [
    video.durationSeconds !== null && lengthClock(video.durationSeconds),
    video.width !== null && video.height !== null && `${Math.min(video.width, video.height)}p`,
    !hasSound(video) && 'no sound',
    video.views > 0 && count(video.views, 'view'),
  ].filter(fact => fact !== false)
  return (
    <p>
      {facts.map(fact => `${fact} · `)}
      <time dateTime={video.playableAt ?? video.createdAt}>
        {day.format(new Date(video.playableAt ?? video.createdAt))}
      </time>
    </p>
  )
}
