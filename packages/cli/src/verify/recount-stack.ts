import type { ApiSummary, SeriesInfo, SeriesName } from '@millrace/contracts'
import type { AgentState, StackApi } from './api.ts'
import { type Difference, judgeSeries, type SeriesVerdict } from './judge-series.ts'
import { judgeSpans, type SpanStep, type SpanVerdict } from './judge-spans.ts'
import { type Ledger, seriesKey } from './ledger.ts'
import type { OpenWindows } from './open-windows.ts'
import type { SeriesReadings } from './series-readings.ts'

/** Of its windows, and of its hours and days. */
export interface WholeVerdict extends SeriesVerdict {
  spans: Record<SpanStep, SpanVerdict>
}

/** Verdicts by series, and the series that no ledger knows. */
export interface StackVerdict {
  bySeries: Map<string, WholeVerdict>
  unledgered: number
}

export interface StackCase {
  stack: StackApi
  ledger: Ledger
  state: AgentState
  open: OpenWindows
}

const seriesAtOnce = 4

async function judgeOne({ stack, ledger, state, open }: StackCase, readings: SeriesReadings): Promise<WholeVerdict> {
  const { name } = readings
  // Minutes first: what comes after them is then never behind what they say, but for merges that are due.
  const minutes = await stack.rows(name, '1m')
  const [hours, days] = await Promise.all([stack.rows(name, '1h'), stack.rows(name, '1d')])
  const windows = judgeSeries({
    readings,
    ...minutes,
    boots: ledger.boots,
    lengthMs: state.windowLengthMs,
    settled: !open.any(name),
    repeats: ledger.repeats,
    excused: (span) => (open.has(name, span) ? 'open' : undefined),
  })
  const spansOf = (step: SpanStep, rows: readonly ApiSummary[]) =>
    judgeSpans({
      ...{ name, step, rows, minutes: minutes.rows },
      unsettled: (span) => (open.within(name, span) ? 'open windows' : undefined),
    })
  return { ...windows, spans: { '1h': spansOf('1h', hours.rows), '1d': spansOf('1d', days.rows) } }
}

/** Of windows, hours and days. */
export function differencesOf({ differences, spans }: WholeVerdict): Difference[] {
  return [...differences, ...spans['1h'].differences, ...spans['1d'].differences]
}

async function judgeAll(input: StackCase, wanted: readonly SeriesReadings[]): Promise<Map<string, WholeVerdict>> {
  const verdicts = new Map<string, WholeVerdict>()
  const queue = wanted.values()
  const worker = async () => {
    for (const readings of queue) verdicts.set(seriesKey(readings.name), await judgeOne(input, readings))
  }
  await Promise.all(Array.from({ length: seriesAtOnce }, worker))
  return verdicts
}

/** Holds every series of the ledger against the store. */
export async function judgeStack(input: StackCase): Promise<StackVerdict> {
  const known: SeriesInfo[] = await input.stack.series()
  const unledgered = known.filter((name: SeriesName) => !input.ledger.series.has(seriesKey(name))).length
  return { bySeries: await judgeAll(input, [...input.ledger.series.values()]), unledgered }
}

/** The same again for the series that differed; the others keep their verdicts. */
export async function judgeAgain(input: StackCase, before: StackVerdict): Promise<StackVerdict> {
  const differed = [...before.bySeries].filter(([, verdict]) => differencesOf(verdict).length > 0).map(([key]) => key)
  const wanted = differed.flatMap((key) => input.ledger.series.get(key) ?? [])
  return { ...before, bySeries: new Map([...before.bySeries, ...(await judgeAll(input, wanted))]) }
}
