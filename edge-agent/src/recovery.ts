import { type Clock, type Logger, MillraceError } from '@millrace/pipeline'
import { type JournalEntry, WindowKeeper } from '@millrace/windows'
import { type AgentConfig, windowSettings } from './config.ts'
import { Names } from './names.ts'
import { Reports, Rollup } from './rollup/index.ts'
import { AgentSpool } from './spool/index.ts'

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

/** Opens the spool and recovers from it. Start never refuses: a spool whose rows cannot be read is put aside. */
export async function openRecovered(config: AgentConfig, clock: Clock, log: Logger) {
  const options = { folder: config.dataDir, maxBytes: config.spool.maxBytes }
  const spool = await AgentSpool.open(options)
  try {
    return { spool, ...(await recover(spool, config, clock)) }
  } catch (error) {
    if (error instanceof MillraceError) throw error
    const fresh = await spool.replace(options, String(error))
    log.error({ error, ...fresh.movedAside }, 'the spool could not be read: it was put aside and a new one begun')
    return { spool: fresh, ...(await recover(fresh, config, clock)) }
  }
}

/** The agent as its spool knows it: the last checkpoint, and every journaled entry since applied again. */
async function recover(spool: AgentSpool, config: AgentConfig, clock: Clock): Promise<RecoveredState> {
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
