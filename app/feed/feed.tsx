'use client'
// The vertical feed: one video per screen. Knows which one is on screen and what the person wants of
// it; the player of a single video is FeedItem's.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { EmptyFeed } from '#app/feed/empty-feed.tsx'
import { FeedItem } from '#app/feed/feed-item.tsx'
import { FeedSteps } from '#app/feed/feed-steps.tsx'
import { FeedTail } from '#app/feed/feed-tail.tsx'
import { useFeedPages } from '#app/feed/use-feed-pages.ts'
import { useFeedPlace } from '#app/feed/use-feed-place.ts'
import { usePageHidden } from '#app/feed/use-page-hidden.ts'
import { useSeenVideo } from '#app/feed/use-seen-video.ts'
import { useFocusKeeper } from '#app/live/use-focus-keeper.ts'
import { useVideos } from '#app/live/use-videos.ts'
import { useAutoplayAllowed } from '#app/player/use-autoplay-allowed.ts'
import { useShortcuts } from '#app/player/use-shortcuts.ts'
import type { Video, VideoPage } from '#app/video.ts'
import styles from './feed.module.css'

/** Near enough to the end that the next page arrives before the person does. */
const loadAheadOf = 3

export function Feed({ firstPage }: { firstPage: VideoPage }) {
  const scroller = useRef<HTMLDivElement>(null)
  const feed = useFeedPages(firstPage)
  const loaded = feed.page.items
  const [seenId, setSeenId] = useState<string | null>(null)
  const seenIndex = Math.max(
    0,
    loaded.findIndex(video => video.id === seenId),
  )
  const { videos, removed } = useVideos(idsAround(loaded, seenIndex))
  const items = useMemo(() => loaded.filter(video => !removed.has(video.id)), [loaded, removed])
  // Where the one on screen was deleted, the next takes its place.
  const active = loaded.slice(seenIndex).find(video => !removed.has(video.id)) ?? items.at(-1)
  const activeIndex = active ? items.indexOf(active) : -1
  useSeenVideo(scroller, items, setSeenId)

  const findActive = () => scroller.current?.querySelector<HTMLElement>('[data-active]')
  const [hasReturned, setReturned] = useState(false)
  useFeedPlace(feed.page, seenId, place => {
    feed.resume(place.page)
    setSeenId(place.videoId)
    setReturned(true)
  })
  // What came or went above the one on screen must not move it.
  useLayoutEffect(() => {
    if (removed.size > 0 || hasReturned) {
      findActive()?.scrollIntoView({ behavior: 'instant', block: 'start' })
    }
  }, [removed.size, hasReturned])
  useFocusKeeper(findActive)

  const autoplays = useAutoplayAllowed()
  const isPageHidden = usePageHidden()
  // What the person chose for the video on screen, and only for that one.
  const [choice, setChoice] = useState<{ id: string; plays: boolean } | null>(null)
  const plays = choice && choice.id === active?.id ? choice.plays : autoplays
  const toggle = () => active && setChoice({ id: active.id, plays: !plays })

  const goTo = (index: number) => {
    scroller.current
      ?.querySelector(`[data-index="${index}"]`)
      ?.scrollIntoView({ behavior: autoplays ? 'smooth' : 'auto', block: 'start' })
  }
  useShortcuts(true, 'feed', {
    next: () => goTo(activeIndex + 1),
    previous: () => goTo(activeIndex - 1),
    toggle,
  })

  const { loadMore } = feed
  const isNearEnd = activeIndex >= items.length - loadAheadOf
  useEffect(() => {
    if (isNearEnd) loadMore()
  }, [isNearEnd, loadMore])

  const lastRemoved = [...removed].at(-1)
  const gone = loaded.find(video => video.id === lastRemoved)
  const announcement = (
    <p className="visually-hidden" role="status">
      {gone && `“${gone.title}” was deleted.`}
    </p>
  )
  if (items.length === 0 && feed.page.nextCursor === null) {
    return (
      <>
        {announcement}
        <EmptyFeed onNewVideos={feed.startOver} />
      </>
    )
  }
  return (
    <>
      {announcement}
      <h1 className="visually-hidden">Feed</h1>
      <div
        ref={scroller}
        className={styles.feed}
        role="feed"
        aria-label="Videos"
        aria-busy={feed.isLoading}
        data-full-screen
      >
        {items.map((video, index) => {
          const isActive = index === activeIndex
          return (
            <FeedItem
              key={video.id}
              video={videos[video.id] ?? video}
              index={index}
              isActive={isActive}
              hasPlayer={isActive ? plays || choice?.id === video.id : autoplays && index === activeIndex + 1}
              isPlaying={isActive && plays && !isPageHidden}
              // Tab may reach a video that is not on screen yet: pressing it brings it there.
              onToggle={isActive ? toggle : () => goTo(index)}
              onBlocked={() => setChoice({ id: video.id, plays: false })}
            />
          )
        })}
        <FeedTail isLoading={feed.isLoading} problem={feed.problem} onRetry={feed.retry} />
      </div>
      <FeedSteps
        hasPrevious={activeIndex > 0}
        hasNext={activeIndex < items.length - 1}
        onPrevious={() => goTo(activeIndex - 1)}
        onNext={() => goTo(activeIndex + 1)}
      />
    </>
  )
}

/** In steps of a dozen, so that a swipe rarely changes what is followed. */
function idsAround(loaded: Video[], index: number): string[] {
  const from = Math.floor(index / 12) * 12
  return loaded.slice(Math.max(0, from - 12), from + 24).map(video => video.id)
}
