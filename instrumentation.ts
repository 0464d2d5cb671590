// Next.js calls these: once at the start of the web process, and for each page that fails.
let noteFailure: (error: unknown) => unknown = () => {}

export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME !== 'nodejs') return
  const { prepareProcess } = await import('./app/process.ts')
  const { explain } = await import('./app/problem.ts')
  prepareProcess()
  noteFailure = explain
}

/** Not async: what is noted decides about the status, which is sent next. */
export function onRequestError(error: unknown): void {
  noteFailure(error)
}
