'use client'
import type { SaveState } from '#app/edit/saver.ts'
// Whether what was changed is kept, in a word; and why not.
import { CheckIcon } from '#app/icons.tsx'
import styles from './editor.module.css'

export function SaveStatus({ states }: { states: (SaveState | undefined)[] }) {
  const known = states.filter(state => state !== undefined)
  const refused = known.find(({ state }) => state === 'refused')
  const held = known.find(({ state, problem }) => state === 'waiting' && problem !== null)
  const isUnderWay = known.some(({ state }) => state === 'waiting' || state === 'saving')
  return (
    <div className={styles.saved} aria-live="polite">
      {refused ? (
        <p className="notice danger">{refused.problem}</p>
      ) : held ? (
        <p className="notice">Not saved yet. {held.problem} It is tried again by itself.</p>
      ) : (
        known.length > 0 && (
          <span data-busy={isUnderWay || undefined}>
            {isUnderWay ? (
              'Saving…'
            ) : (
              <>
                <CheckIcon /> Saved
              </>
            )}
          </span>
        )
      )}
    </div>
  )
}
