// How much a rung looks like its source: SSIM, frame by frame, beside the source scaled to its size.
import { run } from '#cli/processes.ts'

interface Rung {
  name: string
  width: number
  height: number
}

/** @param folder with <name>/<playlist> of each rung; @returns by name */
export async function ssim(
  clip: string,
  folder: string,
  rungs: Rung[],
  playlist: string,
  signal: AbortSignal,
): Promise<Map<string, number>> {
  const inputs = rungs.flatMap(({ name }) => ['-allowed_extensions', 'ALL', '-i', `${name}/${playlist}`])
  // By number, not by time: a muxer may start its clock where it likes.
  const numbered = 'setpts=N/30/TB'
  const chains = rungs.map(
    ({ name, width, height }, i) =>
      `[s${i}]scale=${width}:${height},${numbered}[a${i}];[${i + 1}:v]${numbered}[b${i}];[b${i}][a${i}]ssim@${name}`,
  )
  const split = `[0:v]split=${rungs.length}${rungs.map((_, i) => `[s${i}]`).join('')}`
  const args = ['-nostdin', '-nostats', '-hide_banner', '-i', clip, ...inputs]
  const filters = [split, ...chains].join(';')
  const log = await run('ffmpeg', 'ffmpeg', [...args, '-filter_complex', filters, '-an', '-f', 'null', '-'], {
    cwd: folder,
    show: 'nothing',
    signal,
  })
  return new Map(
    [...log.matchAll(/\[ssim@(\w+).* All:([\d.]+)/g)].map(([, name = '', all]) => [name, Number(all)]),
  )
}
