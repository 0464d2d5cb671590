'use client'
// What is rarely wanted: speed, and where there is no room for buttons of their own, the rest.
import { MoreIcon } from '#app/icons.tsx'
import { chooseSpeed, SPEEDS, speedName, useSpeed } from '#app/player/speed.ts'
import { MenuButton, type MenuPart } from '#app/ui/menu-button.tsx'

interface MoreMenuProps {
  className: string | undefined
  side: 'top' | 'left' | 'right'
  actions: Extract<MenuPart, { kind: 'action' }>[]
}

export function MoreMenu({ className, side, actions }: MoreMenuProps) {
  const speed = useSpeed()
  const speeds: MenuPart = {
    kind: 'choice',
    label: 'Speed',
    value: String(speed),
    options: SPEEDS.map(each => ({ value: String(each), label: each === 1 ? 'Normal' : speedName(each) })),
    choose: value => chooseSpeed(Number(value)),
  }
  return (
    <MenuButton
      label="More"
      icon={<MoreIcon />}
      className={className}
      parts={[speeds, ...actions]}
      side={side}
    />
  )
}
