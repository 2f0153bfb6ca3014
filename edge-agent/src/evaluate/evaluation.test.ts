import { manualClock, silentLogger } from '@millrace/pipeline'
import type { Engine } from '@millrace/rules'
import { type JournalEntry, unstamped, WindowKeeper } from '@millrace/windows'
import { describe, expect, it } from 'vitest'
import { Names } from '../names.ts'
import { alertOf } from '../testing/alerts.ts'
import { Evaluation, engineState } from './evaluation.ts'

const startMs = Date.UTC(2026, 0, 1)
const minute = 60_000

interface Told {
  call: keyof Engine
  with: unknown
}

/** An engine that notes what it is told, wants live temperatures, and says what the test gives it. */
function noting(): Engine & { told: Told[]; next: ReturnType<typeof alertOf>[] } {
  const told: Told[] = []
  const note = (call: keyof Engine) => (what: unknown) => {
    told.push({ call, with: what })
  }
  const next: ReturnType<typeof alertOf>[] = []
  return {
    ...{ told, next, hearingMs: 5_000, windows: note('windows'), window: note('window') },
    ...{ completeness: note('completeness'), readings: note('readings') },
    ...{ heard: note('heard'), agent: note('agent'), advance: note('advance'), use: note('use') },
    wantsReadings: ({ metric }) => metric === 'temperature',
    takeAlerts: () => next.splice(0),
    takeChanges: () => [{ key: 'k', bytes: null }],
    active: () => [],
  }
}

function fixture() {
  const clock = manualClock(startMs)
  const names = new Names({ site: 'hall', maxSeries: 5_000 })
  const settings = { lengthMs: minute, latenessMs: 5_000, maxReadings: 1_000, amendForMs: 86_400_000 }
  const keeper = new WindowKeeper(names, settings)
  const engine = noting()
  const planned: unknown[] = []
  const plan = (alerts: unknown) => ({ statements: [], committed: () => planned.push(alerts) })
  const evaluation = new Evaluation({ engine, names, clock, plan, log: silentLogger, agent: 'edge-1', site: 'hall' })
  const apply = (entry: JournalEntry) => {
    keeper.apply(entry)
    evaluation.see(entry, keeper)
  }
  apply({ kind: 'start', epoch: 'e' })
  apply({ kind: 'anchor', monotonicMs: 0, wallMs: startMs })
  const read = (...rows: { device: string; metric: string; ts: number; value: number; flags?: number }[]) => {
    const series = rows.map(({ device, metric }) => names.series(names.device('hall', device), metric))
    const empty = { length: 0, device: new Uint32Array(), ts: new Float64Array(), seq: new Float64Array() }
    const readings = {
      length: rows.length,
      series: Uint32Array.from(series),
      ts: Float64Array.from(rows, ({ ts }) => ts),
      seq: new Float64Array(rows.length).fill(Number.NaN),
      boot: new Uint32Array(rows.length),
      value: Float64Array.from(rows, ({ value }) => value),
      flags: Uint8Array.from(rows, ({ flags = 0 }) => flags),
    }
    const messages = { ...empty, boot: new Uint32Array(), flags: new Uint8Array() }
    apply({ kind: 'data', batch: { arrivedMonotonicMs: clock.monotonic(), readings, messages, invalid: [] } })
  }
  const told = (call: keyof Engine) => engine.told.filter((one) => one.call === call).map((one) => one.with)
  const judge = () => evaluation.judge({ summaries: [], completeness: [] }, keeper)
  return { clock, names, keeper, engine, evaluation, planned, read, told, judge }
}

describe('live readings', () => {
  it('reach the rules that want them, timed as the windows time them, and no others do', async () => {
    const { clock, read, told } = fixture()
    clock.advance(1_000)
    read(
      { device: 'd1', metric: 'humidity', ts: startMs, value: 1 },
      { device: 'd1', metric: 'temperature', ts: startMs, value: 2 },
      { device: 'd2', metric: 'temperature', ts: 400, value: 3, flags: unstamped },
      { device: 'd1', metric: 'temperature', ts: startMs + 3_600_000, value: 4 },
    )
    const row = { site: 'hall', metric: 'temperature', unit: '°C' }
    expect(told('readings')).toEqual([
      [
        { ...row, device: 'd1', ts: startMs, value: 2 },
        { ...row, device: 'd2', ts: startMs + 400, value: 3 },
      ],
    ])
  })

  it('are known of every series, however many come', async () => {
    const { read, told } = fixture()
    for (let device = 0; device < 2_500; device++) {
      read({ device: `d${device}`, metric: device % 500 === 0 ? 'temperature' : 'humidity', ts: startMs, value: 1 })
    }
    expect(told('readings').flat()).toMatchObject(
      ['d0', 'd500', 'd1000', 'd1500', 'd2000'].map((device) => ({ device })),
    )
  })

  it('that raise an alert hurry the next checkpoint, which has it', async () => {
    const { engine, evaluation, planned, read, judge } = fixture()
    const patience = evaluation.patienceMs
    const alert = alertOf()
    engine.next.push(alert)
    read({ device: 'd1', metric: 'temperature', ts: startMs, value: 9 })
    expect(evaluation.patienceMs).toBeLessThan(patience)
    expect((await judge()).alerts).toEqual([alert])
    expect(planned).toEqual([])
    evaluation.committed()
    expect({ planned, patience: evaluation.patienceMs }).toEqual({ planned: [[alert]], patience })
  })
})

describe('silence', () => {
  it('is judged by who was heard, then until when, as long as devices can be heard', async () => {
    const { clock, engine, evaluation, read, told, judge } = fixture()
    read({ device: 'behind', metric: 'humidity', ts: startMs - 3_600_000, value: 1 })
    read({ device: 'ahead', metric: 'humidity', ts: startMs + 2_000, value: 1 })
    clock.advance(1_000)
    await judge()
    const heard = { site: 'hall', agent: 'edge-1' }
    expect(told('heard')).toEqual([
      [
        { ...heard, device: 'behind', ts: startMs },
        { ...heard, device: 'ahead', ts: startMs + 2_000 },
      ],
    ])
    expect(told('agent')).toEqual([])
    evaluation.hears(true)
    clock.advance(1_000)
    evaluation.hears(true)
    await judge()
    expect(told('heard')[1]).toEqual([])
    const online = { site: 'hall', agent: 'edge-1', online: true }
    expect(told('agent')).toEqual([{ ...online, at: startMs + 2_000, since: startMs + 1_000 }])
    expect(engine.told.at(-1)).toEqual({ call: 'advance', with: startMs + 2_000 })
    evaluation.hears(false)
    clock.advance(60_000)
    await judge()
    evaluation.hears(true)
    await judge()
    expect(told('agent')).toHaveLength(2)
    expect(told('agent')[1]).toEqual({ ...online, at: startMs + 62_000, since: startMs + 62_000 })
  })

  it('begins anew with other rules', async () => {
    const { evaluation, read, told, judge } = fixture()
    read({ device: 'd1', metric: 'humidity', ts: startMs, value: 1 })
    await judge()
    evaluation.use({ rules: [], state: [{ key: 'files', bytes: null }] })
    expect((await judge()).state).toEqual([
      { key: 'files', bytes: null },
      { key: 'engine/k', bytes: null },
    ])
    expect(told('heard').map((rows) => (rows as unknown[]).length)).toEqual([1, 1])
  })
})

it('rules that fail leave the readings alone, and say so', async () => {
  const { engine, evaluation, read, judge } = fixture()
  engine.readings = () => {
    throw new Error('broken')
  }
  read({ device: 'd1', metric: 'temperature', ts: startMs, value: 9 })
  expect(evaluation.failure).toMatch('broken')
  read({ device: 'd1', metric: 'temperature', ts: startMs, value: 9 })
  expect(await judge()).toEqual({ alerts: [], state: [], statements: [] })
})

it('the messages of a window are those of all boots of its device; one that cannot be told leaves the sum open', async () => {
  const { names, evaluation, keeper, told } = fixture()
  const device = names.device('hall', 'd1')
  const window = { device: 'd1', start: startMs, lengthMs: minute, rev: 1 }
  const later = { ...window, start: startMs + minute }
  type Messages = [first: number | null, last: number | null, messages: number]
  const row = (boot: string, [firstSeq, lastSeq, messages]: Messages, from = window) => {
    return { device, row: { ...from, boot, firstSeq, lastSeq, messages } }
  }
  const completeness = [
    row('a', [10, 19, 8]),
    row('b', [0, 4, 5]),
    row('a', [20, 29, 9], later),
    row('c', [null, null, 3], later),
  ]
  await evaluation.judge({ summaries: [], completeness }, keeper)
  expect(told('completeness')).toEqual([
    [
      { ...window, site: 'hall', agent: 'edge-1', messages: 13, expected: 15 },
      { ...later, site: 'hall', agent: 'edge-1', messages: 12, expected: null },
    ],
  ])
})

it('the state of the engine is told from what else the spool keeps of the rules', async () => {
  const bytes = Uint8Array.of(1)
  const saved = new Map([
    ['engine/a/b', bytes],
    ['files', bytes],
  ])
  expect([...engineState(saved)]).toEqual([['a/b', bytes]])
})
