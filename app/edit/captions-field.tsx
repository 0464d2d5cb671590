'use client'
// The captions of a video: files that the person chooses, one a language, in the place of the source's own.
import { type ChangeEvent, useId, useState } from 'react'
import { type Language, languages, ownLanguage } from '#app/edit/languages.ts'
import type { Saver } from '#app/edit/saver.ts'
import { Section } from '#app/edit/section.tsx'
import { CloseIcon } from '#app/icons.tsx'
import { callApi } from '#app/live/api-client.ts'
import type { CaptionsJson, Video } from '#app/video.ts'
import styles from './editor.module.css'

const another = 'another'

export function CaptionsField({ saver, video }: { saver: Saver; video: Video | null }) {
  const id = useId()
  const [choice, setChoice] = useState(ownLanguage)
  const [typed, setTyped] = useState('')
  const captions = video?.captions ?? []
  const tag = choice === another ? typed.trim() : choice
  const isThere = captions.some(({ language }) => language === tag)

  function choose(event: ChangeEvent<HTMLInputElement>) {
    const [file] = event.target.files ?? []
    event.target.value = ''
    if (!file) return
    saver.set(`captions ${tag}`, path =>
      callApi<Video>(pathOf(path, tag), {
        method: 'PUT',
        body: file,
        headers: { 'content-type': 'text/plain' },
      }),
    )
  }

  function remove({ language }: CaptionsJson) {
    saver.set(`captions ${language}`, path =>
      callApi<Video>(pathOf(path, language ?? 'und'), { method: 'DELETE' }),
    )
  }

  return (
    <Section title="Captions" summary={captions.map(({ label }) => label).join(', ') || 'none'}>
      {captions.length > 0 && (
        <ul className={styles.tracks} aria-label="Captions">
          {captions.map(track => (
            <li key={track.url}>
              <bdi>{track.label}</bdi>
              <button
                type="button"
                className="icon-button"
                aria-label={`Remove captions: ${track.label}`}
                title="Remove"
                onClick={() => remove(track)}
              >
                <CloseIcon />
              </button>
            </li>
          ))}
        </ul>
      )}
      <div className={styles.row}>
        <div className={styles.field}>
          <label htmlFor={`${id}-language`}>Language</label>
          <select id={`${id}-language`} value={choice} onChange={event => setChoice(event.target.value)}>
            {languages.map(({ tag, name }: Language) => (
              <option key={tag} value={tag}>
                {name}
              </option>
            ))}
            <option value={another}>Another…</option>
          </select>
        </div>
        {choice === another && (
          <div className={styles.field}>
            <label htmlFor={`${id}-tag`}>Language tag</label>
            <input
              id={`${id}-tag`}
              value={typed}
              maxLength={60}
              placeholder="pt-BR"
              autoCapitalize="none"
              spellCheck={false}
              onChange={event => setTyped(event.target.value)}
            />
          </div>
        )}
        <label className={`button quiet ${styles.file}`} data-disabled={tag === '' || undefined}>
          <input
            type="file"
            accept=".vtt,.srt,text/vtt"
            className="visually-hidden"
            disabled={tag === ''}
            aria-describedby={`${id}-kinds`}
            onChange={choose}
          />
          {isThere ? 'Replace captions' : 'Add captions'}
        </label>
      </div>
      <p id={`${id}-kinds`} className={styles.hint}>
        A WebVTT (.vtt) or SubRip (.srt) file in UTF-8, up to 1 MB. Its text is kept, its styles are not.
      </p>
    </Section>
  )
}

function pathOf(videoPath: string, language: string): string {
  return `${videoPath}/captions/${encodeURIComponent(language)}`
}
