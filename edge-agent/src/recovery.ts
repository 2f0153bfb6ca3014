import { type Clock, type Logger, MillraceError } from '@millrace/pipeline'
import { type JournalEntry, WindowKeeper } from '@millrace/windows'
import { totalAccounts } from './accounts.ts'
import { type AgentConfig, windowSettings } from './config.ts'
import type { Rules } from './evaluate/index.ts'
import { Names } from './names.ts'
import { Reports, Rollup } from './rollup/index.ts'
import { settingsHashOf } from './settings-hash.ts'
import { AgentSpool, demandOwner, type Lineage, noteLost, openUplinkStore, type UplinkStore } from './spool/index.ts'
import { savedTimes } from './window-times.ts'

export interface RecoveredState {
  names: Names
  reports: Reports
  rollup: Rollup
  /** Whose numbers the spool's messages have. */
  lineage: Lineage
  /** Undefined where there are none. */
  rules: Rules | undefined
  head: { agent: string; spool: string; epoch: string }
  /** Journal entries that no checkpoint had covered. */
  replayed: number
  /** What the windows must hear before anything else. */
  firstEntries: JournalEntry[]
  /** What the uplink keeps. */
  uplinkStore: UplinkStore
}

export interface RecoveryOptions {
  config: AgentConfig
  clock: Clock
  log: Logger
  /** With the state that the spool keeps of them. */
  openRules(parts: { spool: AgentSpool; names: Names }): Promise<Rules | undefined>
}

/** Opens the spool and recovers from it. Start never refuses: a spool whose rows cannot be read is put aside. */
export async function openRecovered(given: RecoveryOptions) {
  const { config, log } = given
  const options = { folder: config.dataDir, maxBytes: config.spool.maxBytes }
  const spool = await AgentSpool.open(options)
  await demandOwner(spool.file, config.agent).catch(async (error: unknown) => {
    await spool.close()
    throw error
  })
  try {
    return { spool, ...(await recover(spool, given)) }
  } catch (error) {
    if (error instanceof MillraceError) throw error
    const fresh = await spool.replace(options, String(error))
    log.error({ error, ...fresh.movedAside }, 'the spool could not be read: it was put aside and a new one begun')
    return { spool: fresh, ...(await recover(fresh, given)) }
  }
}

/** The agent as its spool knows it: the last checkpoint, and every journaled entry since applied again. */
async function recover(spool: AgentSpool, options: RecoveryOptions): Promise<RecoveredState> {
  const { config, clock, log, openRules } = options
  const { names: rows, saved, reports: told, numbers } = await spool.recover()
  const names = new Names({ site: config.site, maxSeries: config.maxSeries })
  names.restore(rows)
  const reports = new Reports()
  reports.restore(told)
  const uplinkStore = openUplinkStore(spool.file, config.uplink.type)
  const settings = { ...windowSettings(config), ...(await savedTimes(uplinkStore, log)) }
  const keeper = WindowKeeper.restore(names, settings, saved)
  const head = { agent: config.agent, spool: spool.name, epoch: spool.epoch }
  const { loader } = spool
  const rules = await openRules({ spool, names })
  const settingsHash = settingsHashOf(config)
  const stamp = () => ({ made: Math.round(clock.now()), settingsHash })
  const parts = { keeper, names, reports, numbers: new Map(numbers), head, loader, clock, stamp }
  const rollup = new Rollup({ ...parts, judge: rules?.judge, givenUp: (message) => spool.givenUp.has(message) })
  const replayed = await spool.replay((entry) => rollup.apply(entry))
  const before = totalAccounts(keeper)
  const rolledBack = await noteLost(spool.file, before.accepted)
  if (rolledBack) log.warn(rolledBack, 'the spool was a copy of one that went on without it, and has begun anew')
  const isNew = rows.length + numbers.size + replayed === 0
  const newest = new Map([...numbers].map(([site, next]) => [site, next - 1]))
  const maxKeptBytes = config.spool.maxBytes / 4
  const lineage = await spool.beginStart({ isNew, numbers: newest, before, maxKeptBytes })
  const firstEntries: JournalEntry[] = [{ kind: 'start', epoch: spool.epoch }]
  const changed = Object.entries(settings).some(
    ([key, value]) => keeper.settings[key as keyof typeof settings] !== value,
  )
  if (changed) firstEntries.push({ kind: 'settings', settings })
  return { names, reports, rollup, lineage, rules, head, replayed, firstEntries, uplinkStore }
}
