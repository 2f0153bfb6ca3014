import { edgeAgent } from './list/agent.ts'
import { custody } from './list/custody.ts'
import { cloudIngest } from './list/ingest.ts'
import { lineage } from './list/lineage.ts'
import { losingBuilds } from './list/losing-builds.ts'
import { powerCuts } from './list/power-cuts.ts'
import { rules } from './list/rules.ts'
import { spool } from './list/spool.ts'
import { windows } from './list/windows.ts'
import type { Mutant } from './mutant.ts'

export type { Mutant } from './mutant.ts'

/** Every mutant; names are unique. */
export const mutants: readonly Mutant[] = [
  ...custody,
  ...windows,
  ...spool,
  ...edgeAgent,
  ...cloudIngest,
  ...rules,
  ...lineage,
  ...losingBuilds,
  ...powerCuts,
]
