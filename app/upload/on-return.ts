// A person comes back to a page: from another app or tab, from the browser's memory of pages, from no network.

/** @param tell often more than once: browsers differ in which of these they say */
export function onReturn(tell: () => void): void {
  const tellIfSeen = () => {
    if (!document.hidden) tell()
  }
  for (const event of ['pageshow', 'online']) window.addEventListener(event, tellIfSeen)
  for (const event of ['visibilitychange', 'resume']) document.addEventListener(event, tellIfSeen)
}
