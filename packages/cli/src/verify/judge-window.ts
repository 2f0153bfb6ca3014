import type { ApiSummary } from '@millrace/contracts'
import { findMetric } from '@millrace/contracts'
import { compareRow, type FieldDifference } from './compare-row.ts'
import { compareSketch } from './compare-sketch.ts'
import type { SeriesReadings } from './series-readings.ts'
import { distinct, factsOf, type WindowFacts } from './window-facts.ts'

/**
 * `missing` and `surplus` count readings; `undecided`: too many unacknowledged messages to try every subset of them,
 * so only bounds were checked; `unstamped`: the row holds readings that the agent stamped on arrival, so only its
 * count of stamped ones was checked.
 */
export type Verdict =
  | { kind: 'same' }
  | { kind: 'not-checked'; reason: 'undecided' | 'unstamped' }
  | { kind: 'missing' | 'surplus' | 'wrong-value'; readings: number; fields: FieldDifference[] }

/** The readings sent in one window of one series, in order. */
export interface SentWindow {
  readings: SeriesReadings
  sorted: readonly number[]
}

/** All subsets of this many messages are tried: 4,096 of them. */
const maxTriedMessages = 12

const isCounter = (readings: SeriesReadings) => findMetric(readings.name.metric)?.kind === 'counter'

class Candidates {
  readonly #sent: SentWindow
  readonly #counter: boolean
  /** Messages of which no acknowledgement is known, and readings named as too late, in order of their first reading. */
  readonly pending: readonly number[]

  constructor(sent: SentWindow) {
    this.#sent = sent
    this.#counter = isCounter(sent.readings)
    this.pending = [...new Set(sent.sorted.map((index) => sent.readings.doubt(index)))].filter((id) => id !== 0)
  }

  /** Every acknowledged reading and those of the given messages. */
  kept(messages: ReadonlySet<number>): number[] {
    const { readings, sorted } = this.#sent
    const held = sorted.filter((index) => readings.doubt(index) === 0 || messages.has(readings.doubt(index)))
    return distinct(readings, held)
  }

  facts(messages: ReadonlySet<number>): WindowFacts | undefined {
    const kept = this.kept(messages)
    return kept.length === 0 ? undefined : factsOf(this.#sent.readings, kept, this.#counter)
  }

  /** Sets of messages worth trying: none, all, what arrived before a break, then every one while they are few. */
  *choices(): Generator<ReadonlySet<number>> {
    yield new Set()
    if (this.pending.length === 0) return
    yield new Set(this.pending)
    for (let length = 1; length < this.pending.length; length++) yield new Set(this.pending.slice(0, length))
    if (this.pending.length > maxTriedMessages) return
    for (let bits = 1; bits < 2 ** this.pending.length; bits++) {
      yield new Set(this.pending.filter((_, place) => (bits >> place) & 1))
    }
  }
}

/** Readings of a row that came without a time; none where none was sent, so that others cannot pass for them. */
export function stampedByAgent(readings: SeriesReadings, row: ApiSummary): number {
  return readings.unstampedPermitted > 0 ? row.unstamped : 0
}

function outOfBounds(least: number, most: WindowFacts, row: ApiSummary): FieldDifference[] {
  const outside = (field: 'min' | 'firstTs' | 'max' | 'lastTs', wrong: boolean) =>
    wrong ? [{ field, expected: most[field], found: row[field] }] : []
  return [
    ...(row.count < least ? [{ field: 'count', expected: least, found: row.count }] : []),
    ...(row.count > most.count ? [{ field: 'count', expected: most.count, found: row.count }] : []),
    ...outside('min', row.min < most.min),
    ...outside('max', row.max > most.max),
    ...outside('firstTs', row.firstTs < most.firstTs),
    ...outside('lastTs', row.lastTs > most.lastTs),
  ]
}

function differing(row: ApiSummary, fields: FieldDifference[]): Verdict {
  const expected = fields.find(({ field }) => field === 'count')?.expected
  if (typeof expected !== 'number') return { kind: 'wrong-value', readings: 1, fields }
  const readings = Math.abs(expected - row.count)
  return { kind: row.count < expected ? 'missing' : 'surplus', readings, fields }
}

function judgeUnstamped(candidates: Candidates, row: ApiSummary): Verdict {
  const least = candidates.kept(new Set()).length
  const most = candidates.kept(new Set(candidates.pending)).length
  const found = row.count - row.unstamped
  if (found >= least && found <= most) return { kind: 'not-checked', reason: 'unstamped' }
  const expected = (found < least ? least : most) + row.unstamped
  return differing(row, [{ field: 'count', expected, found: row.count }])
}

/** Fields in which the row differs from the nearest that it may be; none where it is one of them. */
function nearestDifference(candidates: Candidates, row: ApiSummary): FieldDifference[] {
  let nearest: FieldDifference[] | undefined
  for (const messages of candidates.choices()) {
    const facts = candidates.facts(messages)
    const fields = facts && compareRow(facts, row)
    if (fields?.length === 0) return fields
    if (fields && fields.length < (nearest?.length ?? Number.POSITIVE_INFINITY)) nearest = fields
  }
  return nearest ?? []
}

/** What has to hold whatever was acknowledged. */
function ownDifferences(row: ApiSummary): FieldDifference[] {
  const stamped = row.unstamped === 0 ? [] : [{ field: 'unstamped', expected: 0, found: row.unstamped }]
  return [...stamped, ...compareSketch(row)]
}

function judgePresent(candidates: Candidates, row: ApiSummary): Verdict {
  const nearest = nearestDifference(candidates, row)
  const own = ownDifferences(row)
  if (nearest.length + own.length === 0) return { kind: 'same' }
  if (nearest.length === 0) return differing(row, own)
  const all = candidates.facts(new Set(candidates.pending))!
  const outside = outOfBounds(candidates.kept(new Set()).length, all, row)
  if (outside.length > 0) return differing(row, outside)
  if (candidates.pending.length > maxTriedMessages) return { kind: 'not-checked', reason: 'undecided' }
  return differing(row, nearest)
}

/**
 * Holds one stored row against what was sent: every acknowledged reading must be in it, and of the unacknowledged
 * messages any subset may be, each message whole; so may each reading that is named as too late. A window without a row
 * must have nothing else acknowledged.
 */
export function judgeWindow(sent: SentWindow, row: ApiSummary | undefined): Verdict {
  const candidates = new Candidates(sent)
  if (row && stampedByAgent(sent.readings, row) > 0) return judgeUnstamped(candidates, row)
  if (row) return judgePresent(candidates, row)
  const demanded = candidates.kept(new Set()).length
  if (demanded === 0) return { kind: 'same' }
  return {
    kind: 'missing',
    readings: demanded,
    fields: [{ field: 'row', expected: `${demanded} readings`, found: 'none' }],
  }
}

/** Readings named as too late that are in no row; `verdict` tells of others that are not either. */
export function namedOutside({ readings, sorted }: SentWindow, row: ApiSummary | undefined, verdict: Verdict): number {
  if (readings.named.size === 0 || verdict.kind === 'wrong-value' || verdict.kind === 'surplus') return 0
  const acknowledged = distinct(
    readings,
    sorted.filter((index) => readings.pending(index) === 0),
  )
  const named = acknowledged.filter((index) => readings.named.has(index)).length
  const missing = verdict.kind === 'missing' ? verdict.readings : 0
  return Math.min(named, Math.max(0, acknowledged.length - (row?.count ?? 0) - missing))
}
