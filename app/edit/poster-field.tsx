'use client'
// The poster: a moment of the video, from the person's own file or what is there of it, or a picture.
import { type ChangeEvent, type ReactNode, useId, useRef, useState } from 'react'
import { toPosterPicture } from '#app/edit/poster-picture.ts'
import type { Saver, SaveState } from '#app/edit/saver.ts'
import { Section } from '#app/edit/section.tsx'
import { callApi } from '#app/live/api-client.ts'
import { clock } from '#app/live/words.ts'
import type { Video } from '#app/video.ts'
import styles from './editor.module.css'

interface PosterFieldProps {
  saver: Saver
  state: SaveState | undefined
  video: Video | null
  fileUrl: string | null
}

export function PosterField({ saver, state, video, fileUrl }: PosterFieldProps) {
  const [chosen, setChosen] = useState<string | null>(null)
  const given = video?.givenPoster ?? null

  async function choosePicture(event: ChangeEvent<HTMLInputElement>) {
    const [file] = event.target.files ?? []
    event.target.value = ''
    if (!file) return
    const picture = await toPosterPicture(file)
    setChosen(file.name)
    saver.set('poster', path =>
      callApi<Video>(`${path}/poster`, {
        method: 'PUT',
        body: picture,
        headers: { 'content-type': picture.type || 'application/octet-stream' },
      }),
    )
  }

  function chooseMoment(atSeconds: number) {
    setChosen(`the picture at ${clock(atSeconds)}`)
    saver.set('poster', path =>
      callApi<Video>(`${path}/poster`, {
        method: 'PUT',
        body: JSON.stringify({ atSeconds }),
        headers: { 'content-type': 'application/json' },
      }),
    )
  }

  const isWaiting = given?.state === 'waiting' || (chosen !== null && state?.state !== 'refused' && !given)
  const summary = isWaiting ? 'on its way' : given?.state === 'made' ? 'your choice' : 'from the video'
  return (
    <Section title="Poster" summary={summary}>
      {given?.state === 'failed' && (
        <p className="notice danger" role="alert">
          {given.message}
        </p>
      )}
      {isWaiting && (
        <p className={styles.hint} role="status">
          {chosen ? <bdi>{sentence(chosen)}</bdi> : 'Your choice'} becomes the poster
          {video?.status === 'ready' ? ' in a moment.' : ' as soon as all qualities are ready.'}
        </p>
      )}
      {video?.posterUrl && !isWaiting && (
        <img className={styles.poster} src={video.posterUrl} alt="The poster as it is now" height={120} />
      )}
      <Moment sources={[fileUrl, video?.mp4Url ?? null]} onChoose={chooseMoment}>
        <label className={`button quiet ${styles.file}`}>
          <input type="file" accept="image/*" className="visually-hidden" onChange={choosePicture} />
          Choose a picture
        </label>
      </Moment>
    </Section>
  )
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1)
}

interface MomentProps {
  /** the first that this browser can play is shown */
  sources: (string | null)[]
  onChoose(atSeconds: number): void
  /** the other way */
  children: ReactNode
}

function Moment({ sources, onChoose, children }: MomentProps) {
  const [unplayable, setUnplayable] = useState<ReadonlySet<string>>(new Set())
  const [duration, setDuration] = useState(0)
  const [at, setAt] = useState(0)
  const video = useRef<HTMLVideoElement>(null)
  const id = useId()
  const source = sources.find(url => url !== null && !unplayable.has(url))
  if (!source) {
    return (
      <>
        <p className={styles.hint}>A moment of the video can be chosen once it is ready.</p>
        {children}
      </>
    )
  }

  function seek(seconds: number) {
    setAt(seconds)
    if (video.current) video.current.currentTime = seconds
  }

  return (
    <div className={styles.moment}>
      <video
        ref={video}
        src={source}
        muted
        playsInline
        preload="auto"
        aria-hidden="true"
        tabIndex={-1}
        onLoadedMetadata={event => setDuration(event.currentTarget.duration)}
        onError={() => setUnplayable(known => new Set(known).add(source))}
      />
      <div className={styles.field}>
        <div className={styles.line}>
          <label htmlFor={id}>Moment</label>
          <span className={styles.hint}>
            {clock(at)} of {clock(duration)}
          </span>
        </div>
        <input
          id={id}
          type="range"
          min={0}
          max={Number.isFinite(duration) ? duration : 0}
          step={0.05}
          value={at}
          aria-valuetext={`${at.toFixed(1)} seconds`}
          onChange={event => seek(Number(event.target.value))}
        />
        <div className={styles.row}>
          <button
            type="button"
            className="button quiet"
            disabled={duration === 0}
            onClick={() => onChoose(Math.round(at * 1000) / 1000)}
          >
            Use this moment
          </button>
          {children}
        </div>
      </div>
    </div>
  )
}
