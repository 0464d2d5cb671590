// Our few drawn signs, all on a 24-unit grid in the text's colour. Hidden from screen readers: the
// button or link around an icon carries the name.
import type { ReactNode } from 'react'

function Icon({ children, filled = false }: { children: ReactNode; filled?: boolean }) {
  return (
    <svg
      viewBox="0 0 24 24"
      width="24"
      height="24"
      fill={filled ? 'currentColor' : 'none'}
      stroke={filled ? 'none' : 'currentColor'}
      strokeWidth="2"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  )
}

/** The letter p whose bowl is a reel with a play sign in it. */
export function Mark() {
  return (
    <svg viewBox="0 0 64 64" width="30" height="30" aria-hidden="true">
      <rect width="64" height="64" rx="15" fill="var(--accent)" />
      <g fill="none" stroke="var(--on-accent)" strokeWidth="6.5" strokeLinecap="round">
        <path d="M15 33v22" />
        <circle cx="34" cy="30" r="19" />
      </g>
      <path
        fill="var(--on-accent)"
        d="M29.5 22.6v14.8a1.6 1.6 0 0 0 2.45 1.36l11.6-7.4a1.6 1.6 0 0 0 0-2.72l-11.6-7.4a1.6 1.6 0 0 0-2.45 1.36z"
      />
    </svg>
  )
}

export const PlayIcon = () => (
  <Icon filled>
    <path d="M7 4.6v14.8a1 1 0 0 0 1.53.85l11.8-7.4a1 1 0 0 0 0-1.7L8.53 3.75A1 1 0 0 0 7 4.6z" />
  </Icon>
)

export const PauseIcon = () => (
  <Icon filled>
    <rect x="5.5" y="4" width="4.5" height="16" rx="1.2" />
    <rect x="14" y="4" width="4.5" height="16" rx="1.2" />
  </Icon>
)

export const SoundOnIcon = () => (
  <Icon>
    <path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z" fill="currentColor" />
    <path d="M15.5 9a4.2 4.2 0 0 1 0 6M18.2 6.3a8 8 0 0 1 0 11.4" />
  </Icon>
)

export const SoundOffIcon = () => (
  <Icon>
    <path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z" fill="currentColor" />
    <path d="m16 9.5 5 5m0-5-5 5" />
  </Icon>
)

export const CaptionsIcon = () => (
  <Icon>
    <rect x="3" y="5" width="18" height="14" rx="2.5" />
    <path d="M10.5 10.6a2 2 0 1 0 0 2.8M17 10.6a2 2 0 1 0 0 2.8" />
  </Icon>
)

export const UpIcon = () => (
  <Icon>
    <path d="m5 15 7-7 7 7" />
  </Icon>
)

export const DownIcon = () => (
  <Icon>
    <path d="m5 9 7 7 7-7" />
  </Icon>
)

export const UploadIcon = () => (
  <Icon>
    <path d="M12 16V4.5M7 9l5-5 5 5M4 16.5V20h16v-3.5" />
  </Icon>
)

export const CloseIcon = () => (
  <Icon>
    <path d="m6 6 12 12M18 6 6 18" />
  </Icon>
)

export const FilmIcon = () => (
  <Icon>
    <rect x="3.5" y="5" width="17" height="14" rx="2.5" />
    <path d="M8 5v14M16 5v14M3.5 12h17" />
  </Icon>
)

export function ChevronIcon() {
  return (
    <Icon>
      <path d="m7 10 5 5 5-5" />
    </Icon>
  )
}

export const HeartIcon = ({ filled = true }: { filled?: boolean }) => (
  <Icon filled={filled}>
    <path d="M12 20.5 10.6 19.2C5.9 15 3 12.3 3 8.9 3 6.2 5.1 4 7.8 4c1.6 0 3.1.8 4.2 2 1.1-1.2 2.6-2 4.2-2C18.9 4 21 6.2 21 8.9c0 3.4-2.9 6.1-7.6 10.3z" />
  </Icon>
)

export const ShareIcon = () => (
  <Icon>
    <path d="M14 5.5 20.5 12 14 18.5v-4C8.5 14.5 5.5 16 3.5 19c.5-5.5 3.5-9 10.5-9.5z" />
  </Icon>
)

export const MoreIcon = () => (
  <Icon filled>
    <circle cx="5" cy="12" r="2" />
    <circle cx="12" cy="12" r="2" />
    <circle cx="19" cy="12" r="2" />
  </Icon>
)

export const CheckIcon = () => (
  <Icon>
    <path d="m5 12.5 4.5 4.5L19 7.5" />
  </Icon>
)

export const SearchIcon = () => (
  <Icon>
    <circle cx="10.8" cy="10.8" r="6.6" />
    <path d="m15.8 15.8 4.4 4.4" />
  </Icon>
)
