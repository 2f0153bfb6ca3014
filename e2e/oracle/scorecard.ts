import { doubledIn, type Judgement, lostIn, wrongIn } from './judge.ts'
import type { Published } from './ledger.ts'
import type { Accounts } from './stores.ts'

/** What a fault run did to the stack; written by whoever ran it. */
export interface Faults {
  /** Processes ended by SIGKILL that had taken something, or were recovering it. */
  kills: { victim: string; phase: 'working' | 'recovering' }[]
  /** From a kill until the next of its kind took something again, ms. */
  recoveriesMs: Record<string, number[]>
  /** Windows per second that reached a store after an outage. */
  drainPerSecond?: number
  longestOutageMs?: number
  /** From minting until seen at the far end while a backlog was drained, ms. */
  drainFreshnessP99Ms?: number
  /** Other figures by name: connections cut, servers stopped. */
  others?: Record<string, number>
}

/** The least of each that makes a run worth its name. */
export type Demands = Partial<
  Record<'kills' | 'repeats' | 'late' | 'doubled' | 'shuffled' | 'amended' | 'acked', number>
>

export interface Scorecard {
  ok: boolean
  acknowledgedLoss: number
  duplicateEffects: number
  wrong: number
  unaccounted: number
  kills: number
  killsByVictim: Record<string, { working: number; recovering: number }>
  recoveryP50Ms: number | null
  recoveryP99Ms: number | null
  recoveryByVictim: Record<string, { p50: number | null; p99: number | null }>
  drainPerSecond: number | null
  freshnessP99Ms: number | null
  freshAfterMs: number | null
  longestOutageMs: number | null
  acknowledged: number
  repeats: number
  late: number
  doubled: number
  shuffled: number
  /** Other figures of the run. */
  others: Record<string, number>
  stores: Record<
    string,
    { windows: number; readings: number; amendedWindows: number; lost: number; doubled: number; wrong: number }
  >
  /** Why it is not ok. */
  problems: string[]
}

export interface Evidence {
  published: Published | undefined
  judgements: Record<string, Judgement>
  accounts: Accounts
  faults: Faults
  demands: Demands
  /** Readings of which each copy was acknowledged: the least that the agents must have accepted. */
  acknowledgedReadings: number
}

const freshWithinMs = 60_000

function quantile(values: readonly number[], q: number): number | null {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? null
}

function victims({ kills }: Faults) {
  const found: Scorecard['killsByVictim'] = {}
  for (const { victim, phase } of kills) {
    found[victim] ??= { working: 0, recovering: 0 }
    found[victim][phase]++
  }
  return found
}

function tooGentle({ published, faults, demands, judgements }: Evidence): string[] {
  const amended = Math.min(...Object.values(judgements).map(({ amendedWindows }) => amendedWindows))
  const found: Record<keyof Demands, number> = {
    ...{ kills: faults.kills.length, amended, repeats: published?.repeats ?? 0, late: published?.late ?? 0 },
    ...{ doubled: published?.doubled ?? 0, shuffled: published?.shuffled ?? 0, acked: published?.acked ?? 0 },
  }
  return Object.entries(demands)
    .filter(([name, least]) => found[name as keyof Demands] < least)
    .map(([name, least]) => `too gentle: ${found[name as keyof Demands]} ${name} of the ${least} asked for`)
}

function accountProblems({ accounts, acknowledgedReadings }: Evidence): string[] {
  const { accepted, unaccounted, mismatch, missingUpstream, tooLate, invalid, dropped } = accounts
  const zero = { unaccounted, mismatch, missingUpstream, tooLate, invalid, dropped }
  const problems = Object.entries(zero)
    .filter(([, count]) => count !== 0)
    .map(([name, count]) => `the accounts say ${name} = ${count}`)
  if (accepted < acknowledgedReadings)
    problems.push(`the accounts say accepted = ${accepted}, and ${acknowledgedReadings} were acknowledged`)
  return problems
}

function publishedProblems({ published, faults }: Evidence): string[] {
  if (!published) return ['the publishing side did not come to its end']
  const problems = published.pending > 0 ? [`${published.pending} messages were never acknowledged`] : []
  const { freshAfterMs, freshness } = published
  const slow = freshAfterMs === null || freshAfterMs > freshWithinMs
  if (freshness.count > 0 && slow)
    problems.push(`no fresh reading came through within ${freshWithinMs / 1000} s of the last fault`)
  if (faults.kills.length > 0 && freshness.count === 0) problems.push('no reading was ever seen at the far end')
  return problems
}

function storeProblems([store, judgement]: [string, Judgement]): string[] {
  const counts = {
    lost: lostIn(judgement),
    'counted twice or never sent': doubledIn(judgement),
    wrong: wrongIn(judgement),
  }
  const shown = judgement.differences.slice(0, 5).map((one) => {
    return `${store}: ${one.kind} ${one.device}/${one.metric} ${new Date(one.start).toISOString()}: ${one.detail}`
  })
  const sums = Object.entries(counts).filter(([, count]) => count > 0)
  return [...sums.map(([what, count]) => `${store}: ${count} readings ${what}`), ...shown]
}

export function scorecardOf(evidence: Evidence): Scorecard {
  const { published, judgements, accounts, faults } = evidence
  const all = Object.values(judgements)
  const sum = (of: (judgement: Judgement) => number) => all.reduce((total, judgement) => total + of(judgement), 0)
  const recoveries = Object.values(faults.recoveriesMs).flat()
  const problems = [
    ...(all.length === 0 ? ['no store was looked at'] : []),
    ...Object.entries(judgements).flatMap(storeProblems),
    ...accountProblems(evidence),
    ...publishedProblems(evidence),
    ...tooGentle(evidence),
  ]
  return {
    ok: problems.length === 0,
    ...{ acknowledgedLoss: sum(lostIn), duplicateEffects: sum(doubledIn), wrong: sum(wrongIn) },
    unaccounted: accounts.unaccounted + accounts.mismatch,
    ...{ kills: faults.kills.length, killsByVictim: victims(faults) },
    ...{ recoveryP50Ms: quantile(recoveries, 0.5), recoveryP99Ms: quantile(recoveries, 0.99) },
    recoveryByVictim: Object.fromEntries(
      Object.entries(faults.recoveriesMs).map(([victim, values]) => {
        return [victim, { p50: quantile(values, 0.5), p99: quantile(values, 0.99) }]
      }),
    ),
    drainPerSecond: faults.drainPerSecond ?? null,
    freshnessP99Ms: faults.drainFreshnessP99Ms ?? published?.freshness.p99 ?? null,
    freshAfterMs: published?.freshAfterMs ?? null,
    longestOutageMs: faults.longestOutageMs ?? null,
    acknowledged: published?.acked ?? 0,
    ...{ repeats: published?.repeats ?? 0, late: published?.late ?? 0 },
    ...{ doubled: published?.doubled ?? 0, shuffled: published?.shuffled ?? 0 },
    others: faults.others ?? {},
    stores: Object.fromEntries(
      Object.entries(judgements).map(([store, judgement]) => {
        const { windows, readings, amendedWindows } = judgement
        const wrong = { lost: lostIn(judgement), doubled: doubledIn(judgement), wrong: wrongIn(judgement) }
        return [store, { windows, readings, amendedWindows, ...wrong }]
      }),
    ),
    problems,
  }
}

const ms = (value: number | null) => (value === null ? 'not measured' : `${Math.round(value)} ms`)

/** The same for people. */
export function scorecardText(card: Scorecard): string {
  const killed = Object.entries(card.killsByVictim).map(([victim, { working, recovering }]) => {
    return `${victim} ${working} working + ${recovering} recovering`
  })
  const lines: [string, string][] = [
    ['acknowledged loss', String(card.acknowledgedLoss)],
    ['duplicate effects', String(card.duplicateEffects)],
    ['wrong values or windows', String(card.wrong)],
    ['unaccounted', String(card.unaccounted)],
    ['kills', `${card.kills}${killed.length > 0 ? ` (${killed.join(', ')})` : ''}`],
    ['recovery p50 / p99', `${ms(card.recoveryP50Ms)} / ${ms(card.recoveryP99Ms)}`],
    ...Object.entries(card.recoveryByVictim).map(([victim, { p50, p99 }]): [string, string] => {
      return [`  of the ${victim}`, `${ms(p50)} / ${ms(p99)}`]
    }),
    ['fresh after the last fault', ms(card.freshAfterMs)],
    ['freshness p99', ms(card.freshnessP99Ms)],
    [
      'messages acknowledged',
      `${card.acknowledged} (${card.repeats} sent again, ${card.doubled} doubled, ${card.late} late, ${card.shuffled} shuffled)`,
    ],
    ...(card.longestOutageMs === null
      ? []
      : [['longest outage drained', `${(card.longestOutageMs / 3_600_000).toFixed(2)} h`] as [string, string]]),
    ...(card.drainPerSecond === null
      ? []
      : [['drained', `${Math.round(card.drainPerSecond)} windows/s`] as [string, string]]),
    ...Object.entries(card.others).map(([name, value]): [string, string] => [name, String(value)]),
    ...Object.entries(card.stores).map(([store, { windows, readings, amendedWindows }]): [string, string] => {
      return [
        `in ${store}`,
        `${windows} windows with ${readings} readings as they must be, ${amendedWindows} of them amended`,
      ]
    }),
  ]
  const width = Math.max(...lines.map(([name]) => name.length))
  const verdict = card.ok
    ? 'every reading is accounted for'
    : `NOT OK:\n${card.problems.map((problem) => `  ${problem}`).join('\n')}`
  return `${lines.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n')}\n${verdict}\n`
}
