// Exactly one handler for each entry of the catalogue: a missing or foreign one does not compile.
import type { JobName } from '#db/jobs.ts'
import type { Handler } from './context.ts'
import { dead } from './dead.ts'
import { extra } from './extra.ts'
import { first } from './first.ts'
import { poster } from './given-poster.ts'
import { ladder } from './ladder.ts'
import { purge } from './purge.ts'
import { rung } from './rung.ts'
import { sweep } from './sweep.ts'
import { tidy } from './tidy.ts'

export const handlers: { [Name in JobName]: Handler<Name> } = {
  first,
  ladder,
  rung,
  extra,
  poster,
  purge,
  dead,
  sweep,
  tidy,
}
