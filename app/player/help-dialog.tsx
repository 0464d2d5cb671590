'use client'
// The keys, from the table that they work by.
import { keyName, SHORTCUTS } from '#app/player/shortcuts.ts'
import { Dialog } from '#app/ui/dialog.tsx'
import styles from './overlay.module.css'

export function HelpDialog({ onClose }: { onClose(): void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl className={styles.keys}>
        {SHORTCUTS.map(({ command, keys, does }) => (
          <div key={command}>
            <dt>
              {keys.map(key => (
                <kbd key={key}>{keyName(key)}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
