// Next.js calls this once at the start of the web process.
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME !== 'nodejs') return
  const { prepareProcess } = await import('./app/process.ts')
  prepareProcess()
}
