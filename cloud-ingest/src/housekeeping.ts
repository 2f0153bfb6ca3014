import { type Clock, type Logger, type Meters, pause } from '@millrace/pipeline'
import type { Alerting } from './alerting.ts'
import type { CloudLink } from './cloud-link.ts'
import type { Custody } from './spool/index.ts'
import type { Feeders } from './store/feeders.ts'
import type { Store } from './stored.ts'

const lookEveryMs = 5_000
const purgeEveryMs = 10 * 60_000

export interface House {
  custody: Custody
  feeders: Feeders
  alerting: Alerting
  stores: readonly Store[]
  clock: Clock
  log: Logger
  meters: Meters
  link: CloudLink
}

/** Gauges every few seconds, and every ten minutes what has outlived its time goes. Resolves when the signal ends. */
export async function keepHouse(house: House, signal: AbortSignal): Promise<void> {
  let purgeAt = performance.now() + purgeEveryMs / 10
  while (!signal.aborted) {
    await look(house).catch((error) => house.log.warn({ error }, 'the spool did not tell its size'))
    if (performance.now() >= purgeAt) {
      purgeAt = performance.now() + purgeEveryMs
      await cleanUp(house)
    }
    await pause(lookEveryMs, signal).catch(() => undefined)
  }
}

async function look({ custody, feeders, alerting, meters, link }: House): Promise<void> {
  const { bytes, maxBytes } = await custody.usage()
  meters.gauge('spool_bytes', 'Bytes of the spool in use').set(bytes)
  meters.gauge('spool_max_bytes', 'Bytes the spool may use').set(maxBytes)
  meters.gauge('let_go_messages', 'Messages let go unreceipted because too many waited').set(custody.receiver.letGo)
  const behind = meters.gauge('store_behind', 'Log entries a store has not taken', ['store'])
  const unaccounted = meters.gauge(
    'store_unaccounted',
    'Readings in which a store differs from the spool, 0 or something is wrong',
    ['store'],
  )
  const checked = meters.gauge('store_checked_readings', 'Readings compared between store and spool since the start', [
    'store',
  ])
  for (const state of feeders.states()) {
    behind.set({ store: state.type }, state.behind)
    unaccounted.set({ store: state.type }, state.unaccounted ?? 0)
    checked.set({ store: state.type }, state.checked ?? 0)
  }
  const end = meters.gauge('certificate_not_after_seconds', 'When a certificate that the ingest shows ends', [
    'setting',
  ])
  for (const { setting, notAfterMs } of link.certificates?.() ?? []) {
    end.set({ setting: `collect.${setting}` }, notAfterMs / 1000)
  }
  const evaluate = alerting.rules?.evaluator.state()
  if (evaluate) meters.gauge('evaluate_behind', 'Log entries the rules have not judged').set(evaluate.behind)
  const waiting = meters.gauge('store_alerts_behind', 'Alerts a store has not taken', ['store'])
  for (const { store, behind } of await alerting.behind()) waiting.set({ store }, behind)
}

async function cleanUp({ custody, feeders, alerting, stores, clock, log }: House): Promise<void> {
  const steps = [
    () => custody.purge(clock.now(), feeders.takenUpTo()),
    () => custody.purgeAlerts(clock.now(), alerting.takenUpTo()),
    ...stores.map((store) => () => store.expire()),
  ]
  for (const step of steps) await step().catch((error) => log.warn({ error }, 'cleaning up failed; it is tried again'))
}
