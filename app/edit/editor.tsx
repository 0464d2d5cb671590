'use client'
// What a person can say about their video: title, description, poster, captions; kept as they change it, from
// the first byte of the upload on and for as long as the video is there.
import { useId } from 'react'
import { CaptionsField } from '#app/edit/captions-field.tsx'
import { PosterField } from '#app/edit/poster-field.tsx'
import { SaveStatus } from '#app/edit/save-status.tsx'
import type { Saver, SaverView } from '#app/edit/saver.ts'
import type { Video } from '#app/video.ts'
import styles from './editor.module.css'

interface EditorProps {
  saver: Saver
  saves: SaverView
  /** null until the server has told about it */
  video: Video | null
  /** until then */
  title: string
  /** the person's own file, where this tab has it */
  fileUrl: string | null
}

export function Editor({ saver, saves, video, title, fileUrl }: EditorProps) {
  const id = useId()
  const words = {
    title: saves.details.title ?? video?.title ?? title,
    description: saves.details.description ?? video?.description ?? '',
  }
  const hasTitle = words.title.trim() !== ''
  return (
    <div className={styles.editor}>
      <div className={styles.field}>
        <label htmlFor={`${id}-title`}>Title</label>
        <input
          id={`${id}-title`}
          value={words.title}
          maxLength={200}
          dir="auto"
          aria-invalid={!hasTitle || undefined}
          aria-describedby={hasTitle ? undefined : `${id}-no-title`}
          onChange={event => saver.edit({ title: event.target.value })}
        />
        {!hasTitle && (
          <p id={`${id}-no-title`} className={styles.wrong}>
            A video needs a title. Until it has another, it keeps the last one.
          </p>
        )}
      </div>
      <div className={styles.field}>
        <label htmlFor={`${id}-description`}>Description</label>
        <textarea
          id={`${id}-description`}
          value={words.description}
          maxLength={5000}
          rows={3}
          dir="auto"
          aria-describedby={`${id}-hint`}
          onChange={event => saver.edit({ description: event.target.value })}
        />
        <p id={`${id}-hint`} className={styles.hint}>
          {video && video.tags.length > 0 ? (
            <>
              Found under{' '}
              {video.tags.map(tag => (
                <bdi key={tag} className={styles.tag}>
                  #{tag}
                </bdi>
              ))}
            </>
          ) : (
            'Words that begin with # are hashtags: people find your video by them.'
          )}
        </p>
      </div>
      <SaveStatus states={Object.values(saves.states)} />
      <PosterField saver={saver} state={saves.states.poster} video={video} fileUrl={fileUrl} />
      <CaptionsField saver={saver} video={video} />
    </div>
  )
}
