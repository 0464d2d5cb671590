'use client'
// Keyboard focus when the focused control goes away with what it belonged to: left alone it falls to the
// top of the page. Here it goes to the control that now stands in its place.
import { useEffect, useLayoutEffect, useRef } from 'react'

interface Focused {
  element: Element
  /** counted among the controls of its home */
  place: number
}

/** Call in the component whose render takes controls away. @param findHome what the focus stays within */
export function useFocusKeeper(findHome: () => HTMLElement | null | undefined): void {
  const latest = useRef(findHome)
  latest.current = findHome
  const focused = useRef<Focused | null>(null)

  useLayoutEffect(() => {
    const controls = controlsOf(latest.current())
    if (focused.current && !focused.current.element.isConnected && document.activeElement === document.body) {
      controls[Math.min(focused.current.place, controls.length - 1)]?.focus({ preventScroll: true })
    }
    focused.current = findFocused(controls)
  })

  useEffect(() => {
    const note = () => {
      focused.current = findFocused(controlsOf(latest.current()))
    }
    // Later, when it is known whether the person left the control or the control the page.
    const forget = () => queueMicrotask(() => focused.current?.element.isConnected && note())
    document.addEventListener('focusin', note)
    document.addEventListener('focusout', forget)
    return () => {
      document.removeEventListener('focusin', note)
      document.removeEventListener('focusout', forget)
    }
  }, [])
}

function controlsOf(home: HTMLElement | null | undefined): HTMLElement[] {
  return [...(home?.querySelectorAll<HTMLElement>('a, button, input') ?? [])]
}

function findFocused(controls: HTMLElement[]): Focused | null {
  const element = document.activeElement
  const place = element instanceof HTMLElement ? controls.indexOf(element) : -1
  return element && place >= 0 ? { element, place } : null
}
