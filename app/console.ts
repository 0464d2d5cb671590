// Loaded before Next.js (cli/project.ts): what it prints becomes lines of the log, so that every line
// of the web process is one JSON object.
import { format, stripVTControlCharacters } from 'node:util'
import { log } from '#app/log.ts'

for (const [name, level] of [
  ['debug', 'debug'],
  ['log', 'info'],
  ['info', 'info'],
  ['warn', 'warn'],
  ['error', 'error'],
] as const) {
  console[name] = (...said: unknown[]) => {
    const err = said.find(one => one instanceof Error)
    // A page's failure: instrumentation.ts is told too, and each-request.ts logs it with its request.
    if (err && 'digest' in err) return
    const text = stripVTControlCharacters(format(...said.filter(one => one !== err)))
    // Without the signs and the indentation that Next.js decorates its lines with.
    const message = text.replace(/^\W+/, '').trim() || err?.message
    if (message) log[level]({ err, from: 'next' }, message)
  }
}
