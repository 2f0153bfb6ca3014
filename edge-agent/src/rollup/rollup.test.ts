import { type Alert, type SummariesBody, summariesBodySchema } from '@millrace/contracts'
import { manualClock } from '@millrace/pipeline'
import { type JournalEntry, WindowKeeper } from '@millrace/windows'
import { describe, expect, it } from 'vitest'
import type { CheckpointRecord, ClosedRows, CompletenessRecord, WindowRecord } from '../checkpoint.ts'
import { Names } from '../names.ts'
import { alertOf } from '../testing/alerts.ts'
import { Reports } from './reports.ts'
import { Rollup } from './rollup.ts'

const minute = 60_000
const startMs = Date.UTC(2026, 0, 1)

function readings(series: number, device: number, times: readonly number[]): JournalEntry {
  const length = times.length
  const ts = Float64Array.from(times, (ms) => startMs + ms)
  const shared = { length, ts, seq: new Float64Array(length).fill(Number.NaN), boot: new Uint32Array(length) }
  const value = Float64Array.from(times)
  return {
    kind: 'data',
    batch: {
      arrivedMonotonicMs: 3_600_000,
      readings: { ...shared, series: new Uint32Array(length).fill(series), value, flags: new Uint8Array(length) },
      messages: { ...shared, device: new Uint32Array(length).fill(device), flags: new Uint8Array(length) },
      invalid: [],
    },
  }
}

/** A rollup over a store in memory; `onLoad` runs while a checkpoint looks its sets up. */
function fixture() {
  const names = new Names({ site: 'hall', maxSeries: 10 })
  const device = names.device('hall', 'd')
  const series = names.series(device, 'energy')
  const settings = { lengthMs: minute, latenessMs: 5_000, maxReadings: 1_000, amendForMs: 86_400_000 }
  const keeper = new WindowKeeper(names, settings)
  const windows = new Map<number, WindowRecord>()
  const completeness = new Map<number, CompletenessRecord>()
  let onLoad: () => void = () => undefined
  let id = 0
  /** What the rules saw, and what they say next. */
  const rules = { seen: [] as string[], judged: [] as ClosedRows[], alerts: [] as Alert[], committed: 0 }
  const gaveUp = new Set<number>()
  const rollup = new Rollup({
    judge: {
      see: ({ kind }) => rules.seen.push(kind),
      judge: async (closed) => {
        rules.judged.push(closed)
        return { alerts: rules.alerts.splice(0), state: [], statements: [] }
      },
      committed: () => rules.committed++,
    },
    ...{ keeper, names, reports: new Reports(), numbers: new Map(), clock: manualClock(startMs) },
    head: { agent: 'a', spool: 's', epoch: 'e' },
    givenUp: ({ seq }) => gaveUp.has(seq),
    loader: {
      windows: async (closings) => {
        onLoad()
        return closings.flatMap(({ start }) => windows.get(start) ?? [])
      },
      completeness: async (closings) => closings.flatMap(({ start }) => completeness.get(start) ?? []),
    },
  })
  const apply = (entry: JournalEntry) => rollup.apply({ id: ++id, entry, bytes: 10 })
  apply({ kind: 'start', epoch: 'e' })
  apply({ kind: 'anchor', monotonicMs: 0, wallMs: startMs })
  const read = (...times: number[]) => apply(readings(series, device, times))
  const checkpoint = async () => {
    let record: CheckpointRecord | undefined
    const write = async (made: CheckpointRecord) => {
      record = made
      for (const window of made.windows) windows.set(window.start, window)
      for (const window of made.completeness) completeness.set(window.start, window)
    }
    await rollup.checkpoint({ write, reportAfterMs: undefined })
    const summaries = record?.messages.filter(({ kind }) => kind === 'summaries') ?? []
    const bodies = summaries.map(({ bytes }): SummariesBody => {
      return summariesBodySchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
    })
    return {
      record: record!,
      bodies,
      rows: bodies.flatMap(({ columns }) => columns.start.map((_, at) => rowAt(columns, at))),
    }
  }
  const whileLoading = (work: () => void) => {
    onLoad = () => {
      onLoad = () => undefined
      work()
    }
  }
  return { rollup, rules, keeper, device, read, checkpoint, whileLoading, gaveUp }
}

function rowAt({ start, rev, count, amended }: SummariesBody['columns'], at: number) {
  return { start: start[at]! - startMs, rev: rev[at], count: count[at], amended: amended[at] }
}

describe('a checkpoint', () => {
  it('covers exactly the entries applied before it began; those that come meanwhile stay in the journal', async () => {
    const { rollup, keeper, device, read, checkpoint, whileLoading } = fixture()
    read(1_000, 70_000)
    whileLoading(() => {
      read(71_000)
      read(140_000)
      expect(rollup.waitingBytes).toBe(20)
      expect(keeper.device(device)!.counts.accepted).toBe(2)
    })
    const { record, rows } = await checkpoint()
    expect(record.journalUpTo).toBe(3)
    expect(rows).toEqual([{ start: 0, rev: 0, count: 1, amended: 0 }])
    expect(keeper.device(device)!.counts.accepted).toBe(4)
    expect(rollup.uncheckedBytes).toBe(20)
    const next = await checkpoint()
    expect(next.record.journalUpTo).toBe(5)
    expect(next.rows).toEqual([{ start: minute, rev: 0, count: 2, amended: 0 }])
  })

  it('makes one revision of a window that closed several times since the last', async () => {
    const { read, checkpoint } = fixture()
    read(1_000, 70_000)
    read(2_000, 140_000)
    read(3_000, 210_000)
    const first = await checkpoint()
    expect(first.rows.filter(({ start }) => start === 0)).toEqual([{ start: 0, rev: 0, count: 3, amended: 0 }])
    read(4_000, 280_000)
    read(5_000, 350_000)
    const second = await checkpoint()
    expect(second.rows.filter(({ start }) => start === 0)).toEqual([{ start: 0, rev: 1, count: 5, amended: 2 }])
    expect(second.record.messages[0]!.after).toEqual([0])
    expect(second.bodies[0]!.accounts.sent).toEqual([second.bodies[0]!.accounts.closed[0]])
  })

  it('has the alerts of what it closes in messages numbered like its summaries', async () => {
    const { rules, read, checkpoint } = fixture()
    read(1_000, 70_000)
    rules.alerts.push(alertOf(), alertOf({ site: 'yard' }))
    const { record } = await checkpoint()
    expect(rules.judged[0]!.summaries.map(({ row }) => row.start)).toEqual([startMs])
    expect(record.messages.map(({ site, seq, kind }) => [site, seq, kind])).toEqual([
      ['hall', 0, 'summaries'],
      ['hall', 1, 'alerts'],
      ['yard', 0, 'alerts'],
    ])
  })

  it('is written for an alert alone, and not at all where there is no news', async () => {
    const { rules, checkpoint } = fixture()
    expect((await checkpoint()).record.journalUpTo).toBe(2)
    expect((await checkpoint()).record).toBeUndefined()
    rules.alerts.push(alertOf())
    expect((await checkpoint()).record).toMatchObject({ journalUpTo: 2, messages: [{ seq: 0, kind: 'alerts' }] })
    expect(rules.committed).toBe(3)
  })

  it('judges what comes while it is made in the next one', async () => {
    const { rules, read, checkpoint, whileLoading } = fixture()
    read(1_000, 70_000)
    whileLoading(() => read(140_000))
    await checkpoint()
    expect(rules.seen).toEqual(['start', 'anchor', 'data', 'data'])
    expect(rules.judged.map(({ summaries }) => summaries.length)).toEqual([1])
    await checkpoint()
    expect(rules.judged.map(({ summaries }) => summaries.length)).toEqual([1, 1])
  })

  it('brings back what was given up with a message, and no reading that was delivered before it', async () => {
    const { rollup, keeper, device, read, checkpoint, gaveUp } = fixture()
    const counts = () => keeper.device(device)!.counts
    read(1_000, 2_000, 70_000)
    const first = await checkpoint()
    read(3_000, 140_000, 210_000)
    const second = await checkpoint()
    expect([first, second].map(({ rows }) => rows.find(({ start }) => start === 0)?.count)).toEqual([2, 3])
    const [message] = second.record.messages
    gaveUp.add(message!.seq)
    rollup.apply({ id: 90, entry: { kind: 'dropped', losses: message!.added }, bytes: 1 })
    const { closed, dropped } = counts()
    read(4_000, 280_000, 350_000)
    const third = await checkpoint()
    const others = third.rows.filter(({ start }) => start !== 0).length
    expect(third.rows.find(({ start }) => start === 0)).toMatchObject({ rev: 2, count: 4 })
    // The given up reading of the window, and its new one.
    expect(counts().closed).toBe(closed + others + 2)
    expect(counts().dropped.full).toBe(dropped.full! - 1)
  })

  it('sends nothing for repeats of what a closed window holds, and counts them', async () => {
    const { keeper, device, read, checkpoint } = fixture()
    read(1_000, 70_000)
    await checkpoint()
    read(1_000, 140_000)
    read(1_000, 210_000)
    const { rows, record } = await checkpoint()
    expect(rows.filter(({ start }) => start === 0)).toEqual([])
    expect(record.windows.find(({ start }) => start === startMs)?.set).toMatchObject({ rev: 0, count: 1, duplicate: 2 })
    expect(keeper.device(device)!.counts).toMatchObject({ accepted: 6, closed: 3, duplicate: 2, open: 1 })
  })
})
