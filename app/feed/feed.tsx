'use client'
// The vertical feed: one video per screen. Knows which one is on screen and what the person wants of
// it; the player of a single video is FeedItem's.
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { EmptyFeed } from '#app/feed/empty-feed.tsx'
import { FeedItem } from '#app/feed/feed-item.tsx'
import { FeedSteps } from '#app/feed/feed-steps.tsx'
import { FeedTail } from '#app/feed/feed-tail.tsx'
import { Notice } from '#app/feed/notice.tsx'
import { useFeedAddress } from '#app/feed/use-feed-address.ts'
import { useFeedPages } from '#app/feed/use-feed-pages.ts'
import { useFeedPlace } from '#app/feed/use-feed-place.ts'
import { useHeldPlayers } from '#app/feed/use-held-players.ts'
import { useIsWide } from '#app/feed/use-is-wide.ts'
import { usePageHidden } from '#app/feed/use-page-hidden.ts'
import { useSeenVideo } from '#app/feed/use-seen-video.ts'
import { useWatched } from '#app/feed/use-watched.ts'
import { useFocusKeeper } from '#app/live/use-focus-keeper.ts'
import { hasSettled, useVideos } from '#app/live/use-videos.ts'
import { useWorkerMissing } from '#app/live/use-worker-missing.ts'
import { loadVideoJs } from '#app/player/create-player.ts'
import { useAutoplayAllowed } from '#app/player/use-autoplay-allowed.ts'
import { useShortcuts } from '#app/player/use-shortcuts.ts'
import type { Video, VideoPage } from '#app/video.ts'
import styles from './feed.module.css'

/** Near enough to the end that the next page arrives before the person does. */
const loadAheadOf = 4
/** Farther from the one on screen, there are only words. */
const drawnAround = 3

// On its way while React comes to life; a page that cannot have it says so when it makes a player.
if (typeof window !== 'undefined') loadVideoJs().catch(() => {})

export function Feed({ firstPage }: { firstPage: VideoPage }) {
  const scroller = useRef<HTMLDivElement>(null)
  const feed = useFeedPages(firstPage)
  const loaded = feed.loaded.items
  const [seenId, setSeenId] = useState<string | null>(null)
  const seenIndex = Math.max(
    0,
    loaded.findIndex(video => video.id === seenId),
  )
  const { videos, removed, accept } = useVideos(idsAround(loaded, seenIndex))
  const items = useMemo(() => loaded.filter(video => !removed.has(video.id)), [loaded, removed])
  // Where the one on screen was deleted, the next takes its place.
  const active = loaded.slice(seenIndex).find(video => !removed.has(video.id)) ?? items.at(-1)
  const activeIndex = active ? items.indexOf(active) : -1
  useSeenVideo(scroller, items, setSeenId)

  const findActive = () => scroller.current?.querySelector<HTMLElement>('[data-active]')
  const [hasReturned, setReturned] = useState(false)
  useFeedPlace(feed.loaded, seenId, place => {
    feed.resume(place.loaded)
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
  const openedAt = useRef(firstPage.items[0]?.id)
  if (active && active.id !== openedAt.current) openedAt.current = undefined
  useFeedAddress(openedAt.current === undefined ? (active ?? null) : null)

  const autoplays = useAutoplayAllowed()
  const isPageHidden = usePageHidden()
  const isWide = useIsWide()
  // What the person chose for the video on screen, and only for that one.
  const [choice, setChoice] = useState<{ id: string; plays: boolean } | null>(null)
  const chosen = choice?.id === active?.id ? choice : null
  const plays = chosen?.plays ?? autoplays
  const isPlaying = plays && !isPageHidden
  useWatched(isPlaying ? active : undefined)
  const held = useHeldPlayers(
    useMemo(() => items.map(video => video.id), [items]),
    activeIndex,
  )

  const goTo = useCallback(
    (index: number) => {
      scroller.current
        ?.querySelector(`[data-index="${index}"]`)
        ?.scrollIntoView({ behavior: autoplays ? 'smooth' : 'auto', block: 'start' })
    },
    [autoplays],
  )
  const toggle = () => active && setChoice({ id: active.id, plays: !plays })
  const latest = useRef({ toggle, activeIndex })
  latest.current = { toggle, activeIndex }
  // Tab may reach a video that is not on screen yet: pressing it brings it there.
  const toggleAt = useCallback(
    (index: number) => (index === latest.current.activeIndex ? latest.current.toggle() : goTo(index)),
    [goTo],
  )
  const stopAt = useCallback((id: string) => setChoice({ id, plays: false }), [])
  useShortcuts({
    next: () => goTo(activeIndex + 1),
    previous: () => goTo(activeIndex - 1),
    toggle,
  })

  const { loadMore } = feed
  const isNearEnd = activeIndex >= items.length - loadAheadOf
  useEffect(() => {
    if (isNearEnd) loadMore()
  }, [isNearEnd, loadMore])

  const shown = (active && videos[active.id]) ?? active
  const isWorkerMissing = useWorkerMissing(shown !== undefined && !hasSettled(shown))
  const lastRemoved = [...removed].at(-1)
  const gone = loaded.find(video => video.id === lastRemoved)
  const notice = <Notice deleted={gone?.title ?? null} />
  if (items.length === 0 && feed.loaded.nextCursor === null) {
    return (
      <>
        {notice}
        <EmptyFeed onNewVideos={feed.startOver} />
      </>
    )
  }
  return (
    <>
      {notice}
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
          const hasPlayer = (isActive ? plays || chosen !== null : autoplays) && held.has(video.id, index)
          return (
            <FeedItem
              key={video.id}
              video={videos[video.id] ?? video}
              index={index}
              isActive={isActive}
              isNear={Math.abs(index - activeIndex) <= drawnAround}
              hasPlayer={hasPlayer}
              isPlaying={isActive && isPlaying}
              isWide={isWide}
              isWorkerMissing={isActive && isWorkerMissing}
              onToggle={toggleAt}
              onBlocked={stopAt}
              onSettled={held.onSettled}
              onChange={accept}
            />
          )
        })}
        <FeedTail
          hasEnded={feed.loaded.nextCursor === null}
          isLoading={feed.isLoading}
          problem={feed.problem}
          onRetry={feed.retry}
          onTop={() => goTo(0)}
        />
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
