'use client'
// The vertical feed: one video per screen. Knows which one is on screen and what the person wants of
// it; the player of a single video is FeedItem's.
import { useEffect, useRef, useState } from 'react'
import { EmptyFeed } from '#app/feed/empty-feed.tsx'
import { FeedItem } from '#app/feed/feed-item.tsx'
import { FeedSteps } from '#app/feed/feed-steps.tsx'
import { FeedTail } from '#app/feed/feed-tail.tsx'
import { useActiveIndex } from '#app/feed/use-active-index.ts'
import { useFeedKeys } from '#app/feed/use-feed-keys.ts'
import { useFeedPages } from '#app/feed/use-feed-pages.ts'
import { usePageHidden } from '#app/feed/use-page-hidden.ts'
import { useAutoplayAllowed } from '#app/player/use-autoplay-allowed.ts'
import type { VideoPage } from '#app/video.ts'
import styles from './feed.module.css'

/** Near enough to the end that the next page arrives before the person does. */
const loadAheadOf = 3

export function Feed({ firstPage }: { firstPage: VideoPage }) {
  const feed = useFeedPages(firstPage)
  const scroller = useRef<HTMLDivElement>(null)
  const activeIndex = useActiveIndex(scroller, feed.items.length)
  const autoplays = useAutoplayAllowed()
  const isPageHidden = usePageHidden()

  // What the person chose for the video on screen, and only for that one.
  const [choice, setChoice] = useState<{ index: number; plays: boolean } | null>(null)
  const plays = choice?.index === activeIndex ? choice.plays : autoplays
  const toggle = () => setChoice({ index: activeIndex, plays: !plays })

  const goTo = (index: number) => {
    scroller.current
      ?.querySelector(`[data-index="${index}"]`)
      ?.scrollIntoView({ behavior: autoplays ? 'smooth' : 'auto', block: 'start' })
  }
  useFeedKeys({ next: () => goTo(activeIndex + 1), previous: () => goTo(activeIndex - 1), toggle })

  const { loadMore } = feed
  const isNearEnd = activeIndex >= feed.items.length - loadAheadOf
  useEffect(() => {
    if (isNearEnd) loadMore()
  }, [isNearEnd, loadMore])

  if (feed.items.length === 0) return <EmptyFeed onNewVideos={feed.startOver} />
  return (
    <>
      <h1 className="visually-hidden">Feed</h1>
      <div ref={scroller} className={styles.feed} role="feed" aria-label="Videos" aria-busy={feed.isLoading}>
        {feed.items.map((video, index) => {
          const isActive = index === activeIndex
          return (
            <FeedItem
              key={video.id}
              video={video}
              index={index}
              isActive={isActive}
              hasPlayer={isActive ? plays || choice?.index === index : autoplays && index === activeIndex + 1}
              isPlaying={isActive && plays && !isPageHidden}
              // Tab may reach a video that is not on screen yet: pressing it brings it there.
              onToggle={isActive ? toggle : () => goTo(index)}
              onBlocked={() => setChoice({ index, plays: false })}
            />
          )
        })}
        <FeedTail isLoading={feed.isLoading} problem={feed.problem} onRetry={feed.retry} />
      </div>
      <FeedSteps
        hasPrevious={activeIndex > 0}
        hasNext={activeIndex < feed.items.length - 1}
        onPrevious={() => goTo(activeIndex - 1)}
        onNext={() => goTo(activeIndex + 1)}
      />
    </>
  )
}
