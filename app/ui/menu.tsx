'use client'
// What a MenuButton opens; a module of its own, so that the library comes only with the first menu.
import * as Radix from '@radix-ui/react-dropdown-menu'
import { useRef, useState } from 'react'
import { CheckIcon } from '#app/icons.tsx'
import type { MenuPart } from '#app/ui/menu-button.tsx'
import styles from './menu.module.css'

interface MenuProps {
  label: string
  parts: MenuPart[]
  side: 'top' | 'left' | 'right'
  /** opened by a key: the arrows go on from what is chosen */
  focusesChoice: boolean
  onClose(): void
  giveBackFocus(): void
}

/** Open while it is there. */
export function Menu({ label, parts, side, focusesChoice, onClose, giveBackFocus }: MenuProps) {
  const [isOpen, setOpen] = useState(true)
  // In full screen nothing outside of it is shown.
  const container = document.fullscreenElement ?? document.querySelector('main')
  const chosen = useRef<(() => void) | null>(null)
  return (
    // Modal, the library would hide the whole page from screen readers, the focusable with the rest.
    <Radix.Root open={isOpen} onOpenChange={setOpen} modal={false}>
      <Radix.Trigger asChild>
        <span className={styles.anchor} aria-hidden="true" />
      </Radix.Trigger>
      <Radix.Portal container={container}>
        <div className={styles.backdrop} />
      </Radix.Portal>
      <Radix.Portal container={container}>
        <Radix.Content
          ref={focusesChoice ? focusChoice : undefined}
          className={styles.menu}
          aria-label={label}
          aria-labelledby={undefined}
          side={side}
          align="end"
          sideOffset={8}
          collisionPadding={8}
          loop
          onCloseAutoFocus={event => {
            event.preventDefault()
            giveBackFocus()
            onClose()
            chosen.current?.()
          }}
        >
          {parts.map(part => (
            <Part key={part.label} part={part} onSelect={act => (chosen.current = act)} />
          ))}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}

/** After the library has given the menu itself the focus. */
function focusChoice(menu: HTMLElement | null) {
  requestAnimationFrame(() => {
    const choice = menu?.querySelector('[aria-checked="true"]') ?? menu?.querySelector('[role^="menuitem"]')
    if (choice instanceof HTMLElement) choice.focus()
  })
}

function Part({ part, onSelect }: { part: MenuPart; onSelect(act: () => void): void }) {
  if (part.kind === 'action') {
    return (
      <Radix.Item
        className={styles.item}
        data-needs-keyboard={part.needsKeyboard || undefined}
        onSelect={() => onSelect(part.select)}
      >
        {part.label}
      </Radix.Item>
    )
  }
  return (
    <Radix.RadioGroup
      className={styles.group}
      aria-label={part.label}
      value={part.value}
      onValueChange={part.choose}
    >
      <Radix.Label className={styles.label}>{part.label}</Radix.Label>
      {part.options.map(({ value, label, lang }) => (
        <Radix.RadioItem key={value} className={styles.item} value={value} lang={lang}>
          <bdi>{label}</bdi>
          <Radix.ItemIndicator>
            <CheckIcon />
          </Radix.ItemIndicator>
        </Radix.RadioItem>
      ))}
    </Radix.RadioGroup>
  )
}
