'use client'
// A button with a menu. The menu's code is fetched by the first hand that comes near.
import { lazy, type ReactNode, Suspense, useRef, useState } from 'react'
import styles from './menu.module.css'

interface MenuOption {
  value: string
  label: string
  lang?: string | undefined
}

export type MenuPart =
  | { kind: 'choice'; label: string; value: string; options: MenuOption[]; choose(value: string): void }
  /** @property select is called with the focus back on the button */
  | { kind: 'action'; label: string; needsKeyboard?: boolean; select(): void }

interface MenuButtonProps {
  label: string
  icon: ReactNode
  className?: string | undefined
  parts: MenuPart[]
  side: 'top' | 'left' | 'right'
  isOn?: boolean
}

const load = () => import('./menu.tsx')
const Menu = lazy(async () => ({ default: (await load()).Menu }))

export function MenuButton({ label, icon, className, parts, side, isOn = false }: MenuButtonProps) {
  const [openedBy, setOpenedBy] = useState<'hand' | 'key' | null>(null)
  const isOpen = openedBy !== null
  const button = useRef<HTMLButtonElement>(null)
  // A failure is told by the press itself, or is over by then.
  const prepare = () => void load().catch(() => {})
  return (
    <span className={styles.place}>
      <button
        ref={button}
        type="button"
        className={className}
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        data-on={isOn || undefined}
        onPointerEnter={prepare}
        onFocus={prepare}
        onClick={({ detail }) => setOpenedBy(detail === 0 ? 'key' : 'hand')}
      >
        {icon}
      </button>
      {isOpen && (
        <Suspense>
          <Menu
            label={label}
            parts={parts}
            side={side}
            focusesChoice={openedBy === 'key'}
            onClose={() => setOpenedBy(null)}
            giveBackFocus={() => button.current?.focus()}
          />
        </Suspense>
      )}
    </span>
  )
}
