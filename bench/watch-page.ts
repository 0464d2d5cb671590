// What a person in front of the page would see, noted down by a script within it, frame by frame. It
// goes by geometry alone (which article, which video lies in the middle of the screen), so that it
// says the same of any feed. Runs in the browser: must not use anything from outside its function.

/** One article that came to the middle of the screen. Times are the page's, in ms since navigation. */
export interface Landing {
  title: string
  /** it was under the middle of the screen for the first time */
  crossedAt: number
  /** it moved no more */
  settledAt: number | null
  /** a picture of its own video was to be seen */
  drawnAt: number | null
  /** and that video went on */
  movedAt: number | null
  leftAt: number | null
  /** between the first picture and leaving: standing still for more than a quarter of a second */
  stalledMs: number
}

/** What of a video was on the screen. */
export interface Shown {
  title: string
  /** of the picture: which rung */
  height: number
  fromSeconds: number
  toSeconds: number
}

export interface Watched {
  landings: Landing[]
  shown: Shown[]
  /** the most that could be heard at once */
  audible: number
  firstPaintMs: number
  largestPaintMs: number
  layoutShift: number
  /** the longest that each key press or tap took until the next frame */
  interactionsMs: number[]
  scriptBytesBeforeFirstPaint: number
}

declare global {
  interface Window {
    pgreelWatch: { report: () => Watched; forgetAudible: () => void }
  }
}

export function watchPage({ titlePattern, kinds }: { titlePattern: string; kinds: number }): void {
  const STALL_MS = 250
  const landings: Landing[] = []
  const shown: Shown[] = []
  let audible = 0
  let [largestPaintMs, layoutShift] = [Number.NaN, 0]
  const interactions = new Map<number, number>()
  /** A frame of what each video has loaded by now reached the screen. */
  const presented = new WeakMap<HTMLVideoElement, boolean>()
  let [lastTop, lastAt, lastTime, stillMs] = [Number.NaN, 0, Number.NaN, 0]

  const canvas = document.createElement('canvas')
  ;[canvas.width, canvas.height] = [32, 64]
  const paper = canvas.getContext('2d', { willReadFrequently: true })

  const pattern = new RegExp(titlePattern)
  const isInMiddle = (element: Element) => {
    const { left, right, top, bottom } = element.getBoundingClientRect()
    const [x, y] = [innerWidth / 2, innerHeight / 2]
    return left <= x && right > x && top <= y && bottom > y
  }
  const opacityOf = (element: Element): number => {
    let opacity = 1
    for (let at: Element | null = element; at; at = at.parentElement) {
      const style = getComputedStyle(at)
      if (style.visibility === 'hidden' && at === element) return 0
      opacity *= Number(style.opacity)
    }
    return opacity
  }

  /** Nothing that could be a poster lies over it, more than half opaque. */
  const isUncovered = (video: HTMLVideoElement) => {
    const stack = document.elementsFromPoint(innerWidth / 2, innerHeight / 2)
    const above = stack.slice(0, Math.max(0, stack.indexOf(video)))
    const covers = above.filter(
      element =>
        element instanceof HTMLImageElement ||
        element instanceof HTMLVideoElement ||
        element instanceof HTMLCanvasElement ||
        getComputedStyle(element).backgroundImage.includes('url('),
    )
    return stack.includes(video) && opacityOf(video) > 0.5 && covers.every(cover => opacityOf(cover) <= 0.5)
  }

  /** The number in its picture (bench/marker.ts); null for none. */
  const numberIn = (video: HTMLVideoElement): number | null => {
    if (!paper || video.readyState < 2) return null
    paper.drawImage(video, 0, 0, canvas.width, canvas.height)
    const isWhite = Array.from({ length: 8 }, (_, block) => {
      const [red = 0] = paper.getImageData(block * 4 + 2, 1, 1, 1).data
      return red > 128
    })
    const isMarked = isWhite[6] && !isWhite[7] && [0, 1, 2].every(bit => isWhite[bit] !== isWhite[bit + 3])
    return isMarked ? [0, 1, 2].reduce((sum, bit) => sum + (isWhite[bit] ? 1 << bit : 0), 0) : null
  }

  const follow = (video: HTMLVideoElement) => {
    if (presented.has(video)) return
    presented.set(video, false)
    const waitForFrame = () => video.requestVideoFrameCallback(() => presented.set(video, true))
    video.addEventListener('emptied', () => {
      presented.set(video, false)
      waitForFrame()
    })
    waitForFrame()
  }

  const leave = (landing: Landing, now: number) => {
    landing.leftAt = now
    if (stillMs > STALL_MS) landing.stalledMs += stillMs
    stillMs = 0
  }

  const arrive = (title: string, now: number) => {
    const last = landings.at(-1)
    if (last?.title === title) return last
    if (last) leave(last, now)
    lastTime = Number.NaN
    const [settledAt, drawnAt, movedAt, leftAt] = [null, null, null, null]
    const landing: Landing = { title, crossedAt: now, settledAt, drawnAt, movedAt, leftAt, stalledMs: 0 }
    landings.push(landing)
    return landing
  }

  const note = (title: string, { videoHeight, currentTime }: HTMLVideoElement) => {
    const last = shown.at(-1)
    const isNext =
      last?.title === title && last.height === videoHeight && Math.abs(currentTime - last.toSeconds) < 1
    if (isNext) last.toSeconds = Math.max(last.toSeconds, currentTime)
    else shown.push({ title, height: videoHeight, fromSeconds: currentTime, toSeconds: currentTime })
  }

  const play = (landing: Landing, video: HTMLVideoElement, now: number) => {
    const hasMoved = video.currentTime !== lastTime && !Number.isNaN(lastTime)
    if (hasMoved) {
      landing.movedAt ??= now
      if (stillMs > STALL_MS) landing.stalledMs += stillMs
      stillMs = 0
      note(landing.title, video)
    } else if (!Number.isNaN(lastTime)) stillMs += now - lastAt
    lastTime = video.currentTime
  }

  const look = () => {
    const now = performance.now()
    const videos = [...document.querySelectorAll('video')]
    for (const video of videos) follow(video)
    const heard = videos.filter(v => !v.paused && !v.muted && v.volume > 0 && v.readyState > 2)
    audible = Math.max(audible, heard.length)
    const article = [...document.querySelectorAll('article, [role="article"]')].find(isInMiddle)
    const title = article?.textContent?.match(pattern)?.[0]
    if (article && title) {
      const landing = arrive(title, now)
      const { top } = article.getBoundingClientRect()
      if (top === lastTop) landing.settledAt ??= lastAt
      lastTop = top
      const kind = (Number(title.match(/\d+/)?.[0]) - 1) % kinds
      for (const video of videos.filter(isInMiddle)) {
        if (landing.drawnAt === null) {
          const isDrawn = presented.get(video) && numberIn(video) === kind && isUncovered(video)
          if (isDrawn) landing.drawnAt = now
        }
        if (landing.drawnAt !== null && opacityOf(video) > 0.5) play(landing, video, now)
      }
    }
    lastAt = now
    requestAnimationFrame(look)
  }
  requestAnimationFrame(look)

  const observe = <Entry extends PerformanceEntry>(type: string, tell: (entry: Entry) => void) => {
    const observer = new PerformanceObserver(list => (list.getEntries() as Entry[]).forEach(tell))
    observer.observe({ type, buffered: true, ...{ durationThreshold: 16 } })
  }
  observe('largest-contentful-paint', entry => (largestPaintMs = entry.startTime))
  observe<PerformanceEntry & { value: number; hadRecentInput: boolean }>('layout-shift', entry => {
    if (!entry.hadRecentInput) layoutShift += entry.value
  })
  observe<PerformanceEventTiming & { interactionId: number }>('event', ({ interactionId, duration }) => {
    if (interactionId === 0) return
    interactions.set(interactionId, Math.max(duration, interactions.get(interactionId) ?? 0))
  })

  // What lies over the picture is asked for at a point, which finds only what can be touched.
  addEventListener('DOMContentLoaded', () => {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync('img, canvas, video { pointer-events: auto !important }')
    document.adoptedStyleSheets.push(sheet)
  })

  window.pgreelWatch = {
    forgetAudible: () => {
      audible = 0
    },
    report() {
      const firstPaintMs = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN
      const resources = performance.getEntriesByType('resource') as PerformanceResourceTiming[]
      const scripts = resources.filter(
        ({ name, startTime }) => new URL(name).pathname.endsWith('.js') && startTime < firstPaintMs,
      )
      return {
        ...{ landings, shown, audible, firstPaintMs, largestPaintMs, layoutShift },
        interactionsMs: [...interactions.values()],
        scriptBytesBeforeFirstPaint: scripts.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
      }
    },
  }
}
