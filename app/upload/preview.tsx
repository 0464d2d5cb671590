'use client'
// The person's own file, playing from their device before anything was sent; a film sign where the
// browser cannot decode it (the server can) or no longer has it.
import { useState } from 'react'
import { FilmIcon } from '#app/icons.tsx'
import { useAutoplayAllowed } from '#app/player/use-autoplay-allowed.ts'
import styles from './upload.module.css'

interface PreviewProps {
  fileUrl: string | null
  posterUrl: string | null
}

export function Preview({ fileUrl, posterUrl }: PreviewProps) {
  const [cannotPlay, setCannotPlay] = useState(false)
  const autoplays = useAutoplayAllowed()

  return (
    <div className={styles.preview}>
      {fileUrl && !cannotPlay ? (
        <video
          src={fileUrl}
          muted
          loop
          playsInline
          autoPlay={autoplays}
          // Where nothing may move by itself, the person starts it.
          {...(autoplays ? { 'aria-hidden': true, tabIndex: -1 } : { controls: true })}
          onError={() => setCannotPlay(true)}
        />
      ) : posterUrl ? (
        <img src={posterUrl} alt="" />
      ) : (
        <FilmIcon />
      )}
    </div>
  )
}
