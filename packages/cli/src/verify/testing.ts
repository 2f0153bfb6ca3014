import { type AccountsResponse, type ApiSummary, findMetric } from '@millrace/contracts'
import type { AgentState, StackApi } from './api.ts'
import type { RecountLine } from './ledger.ts'
import type { NamedReading } from './letters.ts'
import { verify } from './verify.ts'

export const minute = 60_000
export const t0 = Date.UTC(2025, 10, 20, 12)

export type Line = Partial<RecountLine> & { readings?: Record<string, number> }
export const line = (fields: Line): RecountLine => ({
  site: 'a',
  device: 'd',
  ts: t0,
  readings: {},
  acked: true,
  copies: 1,
  ...fields,
})

/** Ten readings a minute apart by six seconds, over three minutes. */
export const lines = Array.from({ length: 30 }, (_, seq) =>
  line({
    ts: t0 + seq * 6000,
    seq,
    boot: 'b',
    readings: { temperature: 20 + seq / 10, energy: seq < 15 ? seq * 2 : seq - 15 },
  }),
)

export const close = (values: number[], field: (sorted: number[]) => number) => field([...values].sort((x, y) => x - y))

/** A row worked out the plain way, from [ts, value] pairs in order. */
export function row(pairs: [number, number][], fields: Partial<ApiSummary> = {}): ApiSummary {
  const values = pairs.map(([, value]) => value)
  const sum = values.reduce((total, value) => total + value, 0)
  const mean = sum / values.length
  const rank = (q: number) => close(values, (sorted) => sorted[Math.ceil(q * sorted.length) - 1]!)
  return {
    start: Math.floor(pairs[0]![0] / minute) * minute,
    lengthMs: minute,
    rev: 0,
    provisional: false,
    parts: 1,
    agent: 'agent',
    spool: 'spool',
    count: values.length,
    sum,
    min: Math.min(...values),
    max: Math.max(...values),
    mean,
    stddev: Math.sqrt(values.reduce((total, value) => total + (value - mean) ** 2, 0) / values.length),
    first: values[0]!,
    firstTs: pairs[0]![0],
    last: values.at(-1)!,
    lastTs: pairs.at(-1)![0],
    p50: rank(0.5),
    p95: rank(0.95),
    p99: rank(0.99),
    increase: null,
    amended: 0,
    duplicate: 0,
    unstamped: 0,
    ...fields,
  }
}

export function rowsOf(metric: string, sent: readonly RecountLine[]): ApiSummary[] {
  const pairs = sent
    .filter(({ readings }) => metric in readings)
    .map((message): [number, number] => [message.ts!, message.readings[metric]!])
  const increase = (values: number[]) =>
    values.slice(1).reduce((total, v, i) => total + (v >= values[i]! ? v - values[i]! : v), 0)
  return [...Map.groupBy(pairs, ([ts]) => Math.floor(ts / minute)).values()].map((group) =>
    row(group, metric === 'energy' ? { increase: increase(group.map(([, value]) => value)) } : {}),
  )
}

export interface Fake {
  sent?: RecountLine[]
  rows?: Record<string, ApiSummary[]>
  /** Instead of the merge of the rows. */
  hours?: Record<string, ApiSummary[]>
  unit?: string
  open?: [number, number][]
  /** What came too late: how many, those of them that the agent names, and for what windows at most. */
  tooLate?: { count: number; named?: NamedReading[]; floorMs?: number; elsewhere?: number; elsewhereBy?: string }
  setAside?: Record<string, number>
  /** What the ingest was told of it; all unless said. */
  reported?: Record<string, number>
  /** What the ingest was told by a spool that the agent has no more. */
  earlier?: Record<string, number>
  repeats?: number
  /** Changes the fake before the given poll. */
  outbox?: number[]
  extraSeries?: string[]
}

export const soundRows = (sent = lines) => ({
  temperature: rowsOf('temperature', sent),
  energy: rowsOf('energy', sent),
})

export const byStep = { '1m': minute, '1h': 60 * minute, '1d': 1440 * minute }

/** Counters fall at most once in these tests, in the middle of a window. */
export function merged(rows: readonly ApiSummary[], lengthMs: number): ApiSummary[] {
  return [...Map.groupBy(rows, ({ start }) => Math.floor(start / lengthMs) * lengthMs)].map(([start, of]) => {
    const total = (field: (row: ApiSummary) => number) => of.reduce((sum, row) => sum + field(row), 0)
    const [count, sum] = [total((row) => row.count), total((row) => row.sum)]
    const squares = total((row) => row.count * (row.stddev ** 2 + (row.mean - sum / count) ** 2))
    const steps = of.slice(1).reduce((grown, row, at) => grown + row.first - of[at]!.last, 0)
    const ends = { last: of.at(-1)!.last, lastTs: of.at(-1)!.lastTs, unstamped: total((row) => row.unstamped) }
    const extremes = { min: Math.min(...of.map(({ min }) => min)), max: Math.max(...of.map(({ max }) => max)) }
    const increase = of[0]!.increase === null ? null : total((row) => row.increase!) + steps
    const moments = { count, sum, mean: sum / count, stddev: Math.sqrt(squares / count) }
    const { sketch: _sketch, ...first } = of[0]!
    return { ...first, start, lengthMs, ...moments, ...extremes, ...ends, increase }
  })
}

export function fakeStack(fake: Fake): StackApi {
  const {
    rows = soundRows() as Record<string, ApiSummary[]>,
    open = [],
    setAside = {},
    outbox = [],
    extraSeries = [],
  } = fake
  const { tooLate = { count: 0 } } = fake
  const device = {
    ...{ site: 'a', device: 'd', accepted: 60, open: open.length, openWindows: open, sent: 0 },
    setAside: { ...setAside, ...(tooLate.count > 0 && { 'too-late': tooLate.count }) },
    floorMs: tooLate.floorMs ?? null,
  }
  const state = (): AgentState => ({
    windowLengthMs: minute,
    spool: { name: 's', outboxMessages: outbox.shift() ?? 0 },
    devices: [device],
  })
  const account = { ...device, agent: 'g', spool: 's', invalid: fake.reported ?? setAside, dropped: {}, tooLate: 0 }
  const earlier = {
    ...account,
    agent: tooLate.elsewhereBy ?? 'g',
    spool: 'before',
    invalid: fake.earlier ?? {},
    tooLate: tooLate.elsewhere ?? 0,
  }
  const info = (metric: string) => ({ site: 'a', device: 'd', metric, unit: '', lastTs: 0, lastValue: 0 })
  return {
    agent: async () => state(),
    tooLateLetters: async () => [{ site: 'a', device: 'd', readings: tooLate.named ?? [] }],
    accounts: async () => ({ devices: [account, earlier], stores: [] }) as unknown as AccountsResponse,
    series: async () => [...Object.keys(rows), ...extraSeries].map(info),
    rows: async ({ metric }, step) => {
      const unit = fake.unit ?? findMetric(metric)?.unit ?? ''
      if (step === '1m') return { unit, rows: rows[metric] ?? [] }
      const wanted = step === '1h' ? fake.hours?.[metric] : undefined
      return { unit, rows: wanted ?? merged(rows[metric] ?? [], byStep[step]) }
    },
  }
}

export async function check(fake: Fake, fields: { wait?: boolean; recounts?: RecountLine[][]; waits?: number[] } = {}) {
  let now = 0
  let told = 0
  const { sent = lines, repeats = 0 } = fake
  return await verify({
    stack: fakeStack(fake),
    async *recount() {
      for (const message of fields.recounts?.[told++] ?? sent) yield JSON.stringify(message)
      yield JSON.stringify({ end: true, runs: 1, reproducible: true, repeats })
    },
    wait: fields.wait ?? false,
    limitMs: 60_000,
    progress: () => undefined,
    pause: async (ms) => {
      fields.waits?.push(ms)
      now += ms
    },
    monotonic: () => now,
  })
}

export const changed = (index: number, fields: Partial<ApiSummary>) => ({
  ...soundRows(),
  temperature: soundRows().temperature.map((found, place) => (place === index ? { ...found, ...fields } : found)),
})
