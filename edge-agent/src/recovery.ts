import type { Clock } from '@millrace/pipeline'
import { type JournalEntry, WindowKeeper } from '@millrace/windows'
import { type AgentConfig, windowSettings } from './config.ts'
import { Names } from './names.ts'
import { Reports, Rollup } from './rollup/index.ts'
import type { AgentSpool } from './spool/index.ts'

export interface RecoveredState {
  names: Names
  reports: Reports
  rollup: Rollup
  head: { agent: string; spool: string; epoch: string }
  /** Journal entries that no checkpoint had covered. */
  replayed: number
  /** What the windows must hear before anything else. */
  firstEntries: JournalEntry[]
}

/** The agent as its spool knows it: the last checkpoint, and every journaled entry since applied again. */
export async function recover(spool: AgentSpool, config: AgentConfig, clock: Clock): Promise<RecoveredState> {
  const { names: rows, saved, reports: told, numbers } = await spool.recover()
  const names = new Names({ site: config.site, maxSeries: config.maxSeries })
  names.restore(rows)
  const reports = new Reports()
  reports.restore(told)
  const settings = windowSettings(config)
  const keeper = WindowKeeper.restore(names, settings, saved)
  const head = { agent: config.agent, spool: spool.name, epoch: spool.epoch }
  const { loader } = spool
  const rollup = new Rollup({ keeper, names, reports, numbers: new Map(numbers), head, loader, clock })
  const replayed = await spool.replay((entry) => rollup.apply(entry))
  const firstEntries: JournalEntry[] = [{ kind: 'start', epoch: spool.epoch }]
  const changed = Object.entries(settings).some(
    ([key, value]) => keeper.settings[key as keyof typeof settings] !== value,
  )
  if (changed) firstEntries.push({ kind: 'settings', settings })
  return { names, reports, rollup, head, replayed, firstEntries }
}
