'use client'
// Likes as the person sees them: at once, and as the server says as soon as it does. Shared by whatever
// on the page shows or changes them.
import { useSyncExternalStore } from 'react'
import { callApi, ProblemError } from '#app/live/api-client.ts'
import type { Video } from '#app/video.ts'

type Likes = Pick<Video, 'likes' | 'liked'>

/** What was changed on this page, by video: newer than what came with it. */
const changed = new Map<string, Likes>()
const listeners = new Set<() => void>()
/** By video, while a request is under way: what it shall come to. */
const wishes = new Map<string, boolean>()
let isOffered = true

/** Null where the server has no likes. */
export function useLikes(video: Video): Likes | null {
  return useSyncExternalStore(
    subscribe,
    () => (isOffered ? (changed.get(video.id) ?? video) : null),
    () => video,
  )
}

/** @returns null, or why it could not be kept, as a sentence */
export async function setLiked(video: Video, liked: boolean): Promise<string | null> {
  // What the server last said, unless a request is under way.
  const shown = changed.get(video.id) ?? { likes: video.likes, liked: video.liked }
  if (shown.liked === liked) return null
  change(video.id, { liked, likes: Math.max(0, shown.likes + (liked ? 1 : -1)) })
  const isUnderWay = wishes.has(video.id)
  wishes.set(video.id, liked)
  // One at a time, so that the last wish is the last to arrive.
  if (isUnderWay) return null
  try {
    change(video.id, await send(video.id, liked))
    return null
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    if (error.status === 404) isOffered = false
    change(video.id, shown)
    return error.status === 404 ? 'This cannot be liked here.' : error.message
  } finally {
    wishes.delete(video.id)
  }
}

async function send(id: string, liked: boolean): Promise<Likes> {
  const answer = await callApi<Likes>(`/api/videos/${id}/like`, { method: liked ? 'PUT' : 'DELETE' })
  const wish = wishes.get(id) ?? liked
  return wish === liked ? answer : send(id, wish)
}

function change(id: string, likes: Likes) {
  changed.set(id, likes)
  tellAll()
}

function tellAll() {
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}
