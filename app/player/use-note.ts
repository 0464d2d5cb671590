'use client'
// A word on what a key or a button just did, shown over the video for a moment and read out.
import { useEffect, useState } from 'react'

const SHOWN_MS = 1800

export function useNote() {
  const [note, setNote] = useState<{ text: string } | null>(null)
  useEffect(() => {
    if (!note) return
    const timer = setTimeout(() => setNote(null), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [note])
  return { note: note?.text, say: (text: string) => setNote({ text }) }
}
