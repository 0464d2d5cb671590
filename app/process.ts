// What the web process needs beyond Next.js: its requests attended to, a quick end, and no life without
// its launcher.
import { closeHub } from '#app/api/events/hub.ts'
import { attendRequests } from '#app/each-request.ts'
import { whenOrphaned } from '#process/told-to-stop.ts'

export function prepareProcess(): void {
  attendRequests()
  process.on('SIGTERM', () => void closeHub())
  process.on('SIGINT', () => void closeHub())
  // Whatever started us could be killed before it stops us.
  whenOrphaned(() => process.kill(process.pid, 'SIGTERM'))
}
