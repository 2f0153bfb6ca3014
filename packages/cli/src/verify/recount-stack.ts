import type { SeriesInfo, SeriesName } from '@millrace/contracts'
import type { AgentState, StackApi } from './api.ts'
import { judgeSeries, type SeriesVerdict } from './judge-series.ts'
import { type Ledger, seriesKey } from './ledger.ts'
import type { OpenWindows } from './open-windows.ts'
import type { SeriesReadings } from './series-readings.ts'

/** Verdicts by series, and the series that no ledger knows. */
export interface StackVerdict {
  bySeries: Map<string, SeriesVerdict>
  unledgered: number
}

export interface StackCase {
  stack: StackApi
  ledger: Ledger
  state: AgentState
  open: OpenWindows
}

const seriesAtOnce = 4

async function judgeOne({ stack, ledger, state, open }: StackCase, readings: SeriesReadings): Promise<SeriesVerdict> {
  const rows = await stack.rows(readings.name)
  return judgeSeries({
    readings,
    rows,
    boots: ledger.boots,
    lengthMs: state.windowLengthMs,
    settled: !open.any(readings.name),
    repeats: ledger.repeats,
    excused: (span) => (open.has(readings.name, span) ? 'open' : undefined),
  })
}

async function judgeAll(input: StackCase, wanted: readonly SeriesReadings[]): Promise<Map<string, SeriesVerdict>> {
  const verdicts = new Map<string, SeriesVerdict>()
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
  const differed = [...before.bySeries].filter(([, { differences }]) => differences.length > 0).map(([key]) => key)
  const wanted = differed.flatMap((key) => input.ledger.series.get(key) ?? [])
  return { ...before, bySeries: new Map([...before.bySeries, ...(await judgeAll(input, wanted))]) }
}
