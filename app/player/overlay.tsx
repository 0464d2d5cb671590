'use client'
// Everything laid over a playing video: scrubber, buttons, menus, what the keys do, and what they did.
import { type RefObject, useRef, useState } from 'react'
import { ShareIcon } from '#app/icons.tsx'
import type { Covered } from '#app/player/captions.ts'
import { CaptionsMenu, useCaptions } from '#app/player/captions-menu.tsx'
import type { VideoJsPlayer } from '#app/player/create-player.ts'
import { useFullScreen } from '#app/player/full-screen.ts'
import { HelpDialog } from '#app/player/help-dialog.tsx'
import { LikeButton } from '#app/player/like-button.tsx'
import { MoreMenu } from '#app/player/more-menu.tsx'
import { Scrubber } from '#app/player/scrubber.tsx'
import { ShareDialog, shareBySystem } from '#app/player/share-dialog.tsx'
import { hasSound, SoundButton } from '#app/player/sound-button.tsx'
import { usePlayAtSpeed } from '#app/player/speed.ts'
import { useCommands } from '#app/player/use-commands.ts'
import { useNote } from '#app/player/use-note.ts'
import { useShortcuts } from '#app/player/use-shortcuts.ts'
import type { Video } from '#app/video.ts'
import styles from './overlay.module.css'

interface OverlayProps {
  /** the one that the person watches: the keys are its */
  video: Video
  /** null: not made yet */
  player: VideoJsPlayer | null
}

export function Overlay({ video, player }: OverlayProps) {
  const root = useRef<HTMLDivElement>(null)
  const [dialog, setDialog] = useState<'share' | 'help' | null>(null)
  const { note, say } = useNote()
  const commands = useCommands({
    ...{ root, video, player, say },
    showHelp: () => setDialog('help'),
  })
  useShortcuts(commands)
  usePlayAtSpeed(player)
  useCaptions(player, video, () => coveredOf(root))

  const share = async () => {
    if (!(await shareBySystem(video))) setDialog('share')
  }
  const isFull = useFullScreen()
  const className = styles.control
  return (
    <div ref={root} className={styles.overlay}>
      <div className={styles.foot} data-foot>
        <Scrubber player={player} video={video} />
      </div>
      <div className={styles.buttons} data-side>
        <LikeButton video={video} className={className} onToggle={commands.like} />
        <button type="button" className={className} aria-label="Share" title="Share" onClick={share}>
          <ShareIcon />
        </button>
        <CaptionsMenu video={video} className={className} side="left" />
        {hasSound(video) && <SoundButton className={className} />}
        <MoreMenu
          className={className}
          side="left"
          actions={[
            {
              kind: 'action',
              label: isFull ? 'Leave full screen' : 'Full screen',
              select: commands.fullScreen,
            },
            { kind: 'action', label: 'Keys', needsKeyboard: true, select: commands.help },
          ]}
        />
      </div>
      <p className={styles.note} role="status">
        {note}
      </p>
      {dialog === 'share' && <ShareDialog video={video} onClose={() => setDialog(null)} />}
      {dialog === 'help' && <HelpDialog onClose={() => setDialog(null)} />}
    </div>
  )
}

/** How much of the picture is under scrubber, words and buttons. */
function coveredOf(root: RefObject<HTMLElement | null>): Covered {
  const stage = root.current?.getBoundingClientRect()
  const whole = root.current?.closest('article, [data-full-screen]')
  const side = root.current?.querySelector('[data-side]')?.getBoundingClientRect()
  if (!stage || !whole || !side) return { belowPx: 0, besidePx: 0 }
  const tops = [...whole.querySelectorAll('[data-foot]')].flatMap(part => {
    const { left, top, bottom } = part.getBoundingClientRect()
    const isOver = left < stage.right && bottom > stage.top && bottom <= stage.bottom + 1
    return isOver ? [top] : []
  })
  return {
    belowPx: Math.max(0, stage.bottom - Math.min(stage.bottom, ...tops)),
    besidePx: Math.max(0, stage.right - side.left),
  }
}
