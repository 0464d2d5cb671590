// A page that has one thing to say and a way on: not found, something broke, nothing here yet.
import type { ReactNode } from 'react'
import styles from './message.module.css'

interface MessageProps {
  title: string
  sign?: ReactNode
  children: ReactNode
  actions: ReactNode
}

export function Message({ title, sign, children, actions }: MessageProps) {
  return (
    <div className={styles.message}>
      {sign && <div className={styles.sign}>{sign}</div>}
      <h1>{title}</h1>
      <div className={styles.text}>{children}</div>
      <div className={styles.actions}>{actions}</div>
    </div>
  )
}
