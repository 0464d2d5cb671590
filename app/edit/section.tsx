'use client'
// A part of the editor that is folded until somebody wants it.
import { type ReactNode, useState } from 'react'
import { ChevronIcon } from '#app/icons.tsx'
import styles from './editor.module.css'

interface SectionProps {
  title: string
  /** how it stands, in a word or two */
  summary: string
  children: ReactNode
}

export function Section({ title, summary, children }: SectionProps) {
  const [isOpen, setOpen] = useState(false)
  return (
    <details className={styles.section} onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>
        <span>{title}</span>
        <span className={styles.hint}>{summary}</span>
        <ChevronIcon />
      </summary>
      {isOpen && <div className={styles.inside}>{children}</div>}
    </details>
  )
}
