// `pnpm dev`: the same as quickstart, from the sources and with reload; adds no samples.
import { loadConfig } from '#config'
import { aborted, Stopped, toldToStop } from '#process/told-to-stop.ts'
import { ensureFfmpeg } from './ffmpeg.ts'
import { root } from './project.ts'
import { fail, timedSay } from './say.ts'
import { startStack } from './stack.ts'

const ending = toldToStop()
const say = timedSay()
try {
  await using closing = new AsyncDisposableStack()
  const config = loadConfig(root)
  const ffmpeg = await ensureFfmpeg(config, say, ending.signal)
  const url = await startStack(closing, { mode: 'development', config, ffmpeg, say, ending })
  console.log(`\n          ${url}\n`)
  await aborted(ending.signal)
  throw ending.signal.reason
} catch (error) {
  if (!(error instanceof Stopped)) fail(error)
}
process.exit()
