import type { SetAsideDifference } from '../verify/set-aside.ts'
import { notNamed } from '../verify/too-late.ts'
import type { Evidence } from './evidence.ts'
import type { Findings } from './findings.ts'
import { tooGentle } from './gentle.ts'
import { type Victim, victims } from './target.ts'

/** What `--json` prints. Null stands for what was not measured. */
export interface Scorecard {
  /** Acknowledged readings that are neither stored nor set aside. */
  acknowledgedLoss: number | null
  /** Readings stored twice or in a wrong window, and windows with a wrong value. */
  duplicateEffects: number | null
  unaccounted: number | null
  kills: number
  /** From a kill until a reading sent after it is on the page, real ms. */
  recoveryP50Ms: number | null
  recoveryP99Ms: number | null
  /** Readings per second that reach the ingest while the backlog of an outage drains. */
  drainPerSecond: number | null
  /** Age of what the page shows, while no fault is under way, real ms. */
  freshnessP99Ms: number | null
  ok: boolean
  interrupted: boolean
  /** Where it is not ok. */
  reasons: string[]
  killsOf: Record<Victim, number>
  plannedKills: number
  /** Acknowledged to the devices: the fleet's and the drill's own. */
  acknowledged: number | null
  stored: number | null
  amended: number | null
  duplicates: number | null
  setAside: number | null
  /** In no window, and named by the agent as late for one that it had given up by then. */
  tooLate: number | null
  longestOutageMs: number | null
  longestOutageEventMs: number | null
  outageDrainedReadings: number
  poisonMessages: number | null
  poisonSetAside: number | null
  hugeCutOff: number | null
  skewedReadings: number | null
  futureSetAside: number | null
  diskRefusedAfterMs: number | null
  diskRecoveredAfterMs: number | null
  notChecked: Record<string, number>
  notTried: { what: string; why: string }[]
  acts: readonly string[]
  seed: number
  tookMs: number
}

/** Nearest rank; null where there is nothing. */
export function quantile(values: readonly number[], q: number): number | null {
  if (values.length === 0) return null
  const sorted = values.toSorted((a, b) => a - b)
  return Math.round(sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!)
}

const shortfall = (differences: readonly SetAsideDifference[]) =>
  differences.reduce((sum, { expected, found }) => sum + Math.max(0, expected - found), 0)

const surplus = (differences: readonly SetAsideDifference[]) =>
  differences.reduce((sum, { expected, found }) => sum + Math.max(0, found - expected), 0)

function lossOf({ fleet, own, findings: { poison } }: Evidence): number | null {
  if (!fleet || !own) return null
  const vanished = poison ? Math.max(0, poison.messages - poison.setAside) : 0
  return fleet.missing + shortfall(fleet.setAsideDifferences) + own.missing + vanished
}

function doubledOf({ fleet, own, findings: { poison } }: Evidence): number | null {
  if (!fleet || !own) return null
  const wrong = fleet.doubled + fleet.wrongWindow + fleet.wrongValue + fleet.wrongHours + fleet.wrongDays
  const twice = poison ? Math.max(0, poison.setAside - poison.messages) : 0
  return wrong + surplus(fleet.setAsideDifferences) + own.doubled + own.wrongValue + twice
}

function unaccountedOf({ accounts }: Evidence): number | null {
  if (!accounts) return null
  const { devices, total } = accounts
  return (
    devices.reduce((sum, { unaccounted }) => sum + Math.abs(unaccounted), 0) + total.mismatch + total.missingUpstream
  )
}

const plural = (n: number, what: string) => `${n} ${what}`

/** What shows that the readings are not all there, or not as they were. */
function wrongs(card: Pick<Scorecard, 'acknowledgedLoss' | 'duplicateEffects' | 'unaccounted'>, evidence: Evidence) {
  const { fleet, findings } = evidence
  const told = [
    [card.acknowledgedLoss, 'acknowledged readings are lost'],
    [card.duplicateEffects, 'readings or windows count twice or wrongly'],
    [card.unaccounted, 'readings are unaccounted for'],
  ] as const
  return [
    ...told.flatMap(([n, what]) => (n === 0 ? [] : [n === null ? `not recounted: ${what}?` : plural(n, what)])),
    ...(fleet && !fleet.reproducible ? ['part of the ledger cannot be told again'] : []),
    ...findings.cutShort.map(({ act, why }) => `${act}: ${why}`),
  ]
}

type Measures = Pick<
  Scorecard,
  | 'poisonMessages'
  | 'poisonSetAside'
  | 'hugeCutOff'
  | 'skewedReadings'
  | 'futureSetAside'
  | 'diskRefusedAfterMs'
  | 'diskRecoveredAfterMs'
>

function ofActs({ poison, clocks, disk }: Findings): Measures {
  return {
    poisonMessages: poison?.messages ?? null,
    poisonSetAside: poison?.setAside ?? null,
    hugeCutOff: poison?.hugeRefused ?? null,
    skewedReadings: clocks ? clocks.ahead + clocks.behind : null,
    futureSetAside: clocks?.future ?? null,
    diskRefusedAfterMs: rounded(disk?.refusedAfterMs),
    diskRecoveredAfterMs: rounded(disk?.recoveredAfterMs),
  }
}

const otherSeries = 'series outside the ledger'

/** What nobody recounted. */
function notCheckedBy({ fleet, own, ownSeries = 0 }: Evidence): Record<string, number> {
  const { [otherSeries]: others = 0, ...reasons } = fleet?.notCheckedBy ?? {}
  const counted = (fleet?.tooLateNotNamed ?? 0) + (own?.tooLateNotNamed ?? 0)
  return {
    ...reasons,
    ...(others > ownSeries && { [otherSeries]: others - ownSeries }),
    ...(counted > 0 && { [notNamed]: counted }),
  }
}

function ofInput(evidence: Evidence) {
  const { fleet, own, accounts } = evidence
  const total = accounts?.total
  return {
    acknowledged: fleet && own ? fleet.sent + own.acknowledged : null,
    stored: fleet?.stored ?? null,
    amended: fleet?.amended ?? null,
    duplicates: total?.duplicate ?? null,
    setAside: total ? total.invalid + total.dropped + total.tooLate : null,
    tooLate: fleet && own ? fleet.tooLate + own.tooLate : null,
    notChecked: notCheckedBy(evidence),
  }
}

/** The verdict and every figure of it; pure. */
export function scorecard(evidence: Evidence): Scorecard {
  const { findings, ages, seed, acts, tookMs, interrupted } = evidence
  const { kills, outages } = findings
  const figures = {
    acknowledgedLoss: lossOf(evidence),
    duplicateEffects: doubledOf(evidence),
    unaccounted: unaccountedOf(evidence),
  }
  const recoveries = kills.flatMap(({ recoveryMs }) => recoveryMs ?? [])
  const reasons = interrupted ? ['stopped before its end'] : [...wrongs(figures, evidence), ...tooGentle(evidence)]
  return {
    ...figures,
    kills: kills.length,
    recoveryP50Ms: quantile(recoveries, 0.5),
    recoveryP99Ms: quantile(recoveries, 0.99),
    drainPerSecond: drainRate(findings),
    freshnessP99Ms: quantile(ages, 0.99),
    ...{ ok: reasons.length === 0, interrupted, reasons },
    killsOf: killsByVictim(findings),
    plannedKills: findings.plannedKills,
    ...ofInput(evidence),
    ...longest(outages),
    outageDrainedReadings: outages.reduce((total, { readings }) => total + readings, 0),
    ...ofActs(findings),
    notTried: findings.notTried,
    ...{ acts, seed, tookMs: Math.round(tookMs) },
  }
}

const rounded = (ms: number | null | undefined) => (ms == null ? null : Math.round(ms))

function longest(outages: Findings['outages']): Pick<Scorecard, 'longestOutageMs' | 'longestOutageEventMs'> {
  if (outages.length === 0) return { longestOutageMs: null, longestOutageEventMs: null }
  return {
    longestOutageMs: Math.round(Math.max(...outages.map(({ realMs }) => realMs))),
    longestOutageEventMs: Math.max(...outages.map(({ eventMs }) => eventMs)),
  }
}

function drainRate({ outages }: Findings): number | null {
  const drained = outages.filter(({ drainMs, readings }) => drainMs !== null && readings > 0)
  if (drained.length === 0) return null
  const seconds = drained.reduce((sum, { drainMs }) => sum + Math.max(1, drainMs ?? 0), 0) / 1000
  return Math.round(drained.reduce((sum, { readings }) => sum + readings, 0) / seconds)
}

function killsByVictim({ kills }: Findings): Record<Victim, number> {
  const of = (victim: Victim) => kills.filter((kill) => kill.victim === victim).length
  return Object.fromEntries(victims.map((victim) => [victim, of(victim)])) as Record<Victim, number>
}
