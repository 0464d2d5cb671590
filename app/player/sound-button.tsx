'use client'
// Sound on or off, for this and every other video.
import { SoundOffIcon, SoundOnIcon } from '#app/icons.tsx'
import { toggleSound, useSoundOn } from '#app/player/sound.ts'
import type { Video } from '#app/video.ts'

/** A button that changes nothing is not shown. */
export function hasSound(video: Video): boolean {
  return video.renditions.some(({ kind, state }) => kind === 'audio' && state === 'ready')
}

export function SoundButton({ className }: { className: string | undefined }) {
  const isOn = useSoundOn()
  return (
    <button
      type="button"
      className={className}
      aria-label={isOn ? 'Turn sound off' : 'Turn sound on'}
      title={isOn ? 'Turn sound off (m)' : 'Turn sound on (m)'}
      onClick={toggleSound}
    >
      {isOn ? <SoundOnIcon /> : <SoundOffIcon />}
    </button>
  )
}
