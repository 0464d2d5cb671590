'use client'
// The keys, from the table that they work by.
import { keyName, type Layout, shortcutsOf } from '#app/player/shortcuts.ts'
import { Dialog } from '#app/ui/dialog.tsx'
import styles from './overlay.module.css'

export function HelpDialog({ layout, onClose }: { layout: Layout; onClose(): void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl className={styles.keys}>
        {shortcutsOf(layout).map(({ command, keys, does }) => (
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
