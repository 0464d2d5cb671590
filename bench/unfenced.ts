// Preloaded into workers by `--unfenced`: they are run without any check that an attempt is still the one that
// counts. A harness that finds nothing wrong then would find nothing at all.
import { registerHooks, stripTypeScriptTypes } from 'node:module'

type Change = [file: string, ours: string, without: string]

const CHANGES: Change[] = [
  ['/db/attempts.ts', ".where('outcome', '=', 'running')\n    .returning('token')", ".returning('token')"],
  ['/db/progress.ts', " and outcome = 'running')`", ')`'],
  ['/db/boss.ts', 'if (response.affected !== 1) throw new JobLost(job)', ''],
  ['/worker/attempt.ts', '[context.stopping, job.signal, lost.signal]', '[context.stopping, lost.signal]'],
]

registerHooks({
  load(url, context, next) {
    const changes = CHANGES.filter(([file]) => url.endsWith(file) && !url.includes('node_modules'))
    const loaded = next(url, context)
    if (changes.length === 0) return loaded
    let source = String(loaded.source)
    for (const [file, ours, without] of changes) {
      if (!source.includes(ours)) throw new Error(`${file} has no ${ours} any more`)
      source = source.replace(ours, without)
    }
    return { ...loaded, source: stripTypeScriptTypes(source), format: 'module' }
  },
})
