import { describe, expect, it } from 'vitest'
import {
  anchor,
  data,
  directory,
  hourMs,
  minuteMs,
  settings,
  TestAgent,
  type TestReading,
  t0,
  unaccounted,
} from '../testing/harness.ts'
import { WindowKeeper } from './window-keeper.ts'

const second = 1_000

function agentAt(wallMs = t0 + 10 * minuteMs, own: Partial<typeof settings> = {}): TestAgent {
  return new TestAgent({ ...settings, ...own }).apply({ kind: 'start', epoch: 'e1' }, anchor(wallMs))
}
/** One reading of series 10, device 1. */
function at(ts: number, more: Partial<TestReading> = {}): TestReading {
  return { series: 10, ts, value: 1, ...more }
}
function counts(agent: TestAgent, device = 1) {
  return agent.keeper.device(device)!.counts
}

describe('a window', () => {
  it('closes when its device’s watermark passes its end, and not before', () => {
    const agent = agentAt()
      .apply(data([at(t0), at(t0 + minuteMs + 4_999)]))
      .checkpoint()
    expect(agent.sent).toEqual([])
    agent.apply(data([at(t0 + minuteMs + 5_000)])).checkpoint()
    expect(agent.sent.map(({ rev, summary }) => [rev, summary.start, summary.count])).toEqual([[0, t0, 1]])
  })

  it('closes inside a batch, reading by reading: one that comes after is late, though in the same batch', () => {
    const agent = agentAt()
      .apply(data([at(t0), at(t0 + 2 * minuteMs), at(t0 + 1, { value: 2 })]))
      .checkpoint()
    expect(agent.row(10, t0)!.summary.count).toBe(1)
    agent.idle(1).checkpoint()
    expect(agent.row(10, t0)).toMatchObject({ rev: 1, summary: { count: 2, amended: 1 } })
  })

  it('closes for one device alone: a clock that is ahead does not touch the others', () => {
    const agent = agentAt()
      .apply(data([at(t0), at(t0, { series: 20 }), at(t0 + 9 * minuteMs)]))
      .checkpoint()
    expect(agent.sent.map(({ series }) => series)).toEqual([10])
  })

  it('closes with the others of its device in order of start and series', () => {
    const first = [at(t0 + 61_000, { series: 11 }), at(t0, { series: 12 }), at(t0, { series: 10 })]
    const agent = agentAt()
      .apply(data([...first, at(t0 + 9 * minuteMs)]))
      .checkpoint()
    expect(agent.sent.map(({ series, summary }) => [summary.start - t0, series])).toEqual([
      [0, 10],
      [0, 12],
      [minuteMs, 11],
    ])
  })

  it('opened late holds the late readings alone and closes when the watermark is one window further', () => {
    const agent = agentAt()
      .apply(data([at(t0), at(t0 + 2 * minuteMs), at(t0 + 1)]))
      .checkpoint()
    const [late] = [...agent.keeper.openWindows()].filter((window) => window.late)
    expect([late!.start, late!.rows.length]).toEqual([t0, 1])
    agent.apply(data([at(t0 + 3 * minuteMs - 1)])).checkpoint()
    expect(agent.row(10, t0)!.rev).toBe(0)
    agent.apply(data([at(t0 + 3 * minuteMs)])).checkpoint()
    expect(agent.row(10, t0)!.rev).toBe(1)
  })

  it('without a stored set is new when it comes late, above the floor', () => {
    const agent = agentAt(t0 + 3 * hourMs)
      .apply(data([at(t0 + 2 * hourMs), at(t0)]))
      .idle(1)
      .checkpoint()
    expect(agent.row(10, t0)).toMatchObject({ rev: 0, summary: { count: 1, amended: 0 } })
  })

  it('closes on idle, without moving the watermark, and opens again for what comes then', () => {
    const agent = agentAt()
      .apply(data([at(t0)]))
      .idle(1)
      .checkpoint()
    expect(agent.sent.length).toBe(1)
    expect(agent.keeper.device(1)).toMatchObject({ watermarkMs: t0 - 5_000, hasOpen: false })
    agent
      .apply(data([at(t0 + 1)]))
      .idle(1)
      .checkpoint()
    expect(agent.row(10, t0)).toMatchObject({ rev: 1, summary: { count: 2, amended: 1 } })
  })

  it('shows provisional summaries without repeats while it is open', () => {
    const agent = agentAt().apply(data([at(t0, { value: 3 }), at(t0, { value: 3 }), at(t0 + 1, { value: 5 })]))
    const [window] = [...agent.keeper.openWindows()]
    expect(agent.keeper.provisional(window!)).toMatchObject({ start: t0, count: 2, sum: 8, duplicate: 1 })
  })
})

describe('a repeat', () => {
  it('is known by boot and seq whatever its time and value, and never makes a revision', () => {
    const first = at(t0, { boot: 1, seq: 7 })
    const agent = agentAt()
      .apply(data([first, { ...first, ts: t0 + 5, value: 9 }]))
      .idle(1)
      .checkpoint()
    expect(agent.row(10, t0)!.summary).toMatchObject({ count: 1, first: 1, duplicate: 1 })
    agent
      .apply(data([first]))
      .idle(1)
      .checkpoint()
    expect(agent.sent.length).toBe(1)
    expect(counts(agent)).toMatchObject({ accepted: 3, closed: 1, duplicate: 2, open: 0 })
  })

  it('of a number after a silent restart is no repeat', () => {
    const agent = agentAt()
      .apply(data([at(t0, { seq: 0 }), at(t0 + 1, { seq: 0 })]))
      .idle(1)
      .checkpoint()
    expect(agent.row(10, t0)!.summary.count).toBe(2)
  })
})

describe('the floor', () => {
  const old = t0 - 24 * hourMs

  it('sets aside what belongs to windows that end at or below it', () => {
    const agent = agentAt()
      .apply(data([at(t0 + 5_000), at(old, { value: 4 }), at(old - 1, { value: 3 })]))
      .checkpoint()
    expect(agent.keeper.device(1)!.floorMs).toBe(old)
    expect(agent.setAside.readings).toMatchObject([
      { reason: 'too-late', ts: old - 1, value: 3, series: 10, device: 1 },
    ])
    expect(counts(agent)).toMatchObject({ accepted: 3, tooLate: 1, open: 2 })
  })

  it('never falls when the span grows back, and rises when it shrinks', () => {
    const agent = agentAt().apply(data([at(t0 + 5_000)]))
    agent.apply({ kind: 'span', amendSpanMs: hourMs })
    expect(agent.keeper.device(1)!.floorMs).toBe(t0 - hourMs)
    agent.apply({ kind: 'span', amendSpanMs: 24 * hourMs }, data([at(t0 + 6_000)]))
    expect(agent.keeper.device(1)!.floorMs).toBe(t0 - hourMs)
  })

  it('spares the stored set of a window that is open again, so that its amendment is whole', () => {
    const agent = agentAt(t0 + 3 * hourMs, { amendForMs: hourMs })
    agent.apply(data([at(t0), at(t0 + hourMs + 64_000), at(t0 + 1, { value: 2 })])).checkpoint()
    agent.apply(data([at(t0 + hourMs + 100_000)])).checkpoint()
    const device = agent.keeper.device(1)!
    expect([device.floorMs, device.setsFromMs]).toEqual([t0 + 95_000, t0])
    agent.idle(1).checkpoint()
    expect(agent.row(10, t0)).toMatchObject({ rev: 1, summary: { count: 2 } })
    expect(agent.keeper.device(1)!.setsFromMs).toBe(t0 + 95_000)
    expect(agent.sets.has(`10 ${t0}`)).toBe(false)
  })

  it('of a retired device rises past its newest window', () => {
    const agent = agentAt()
      .apply(data([at(t0)]), { kind: 'retire', devices: Uint32Array.of(1) })
      .checkpoint()
    expect(agent.keeper.device(1)).toMatchObject({ floorMs: t0 + minuteMs, hasOpen: false })
    agent.apply(data([at(t0 + 1), at(t0 + minuteMs)])).checkpoint()
    expect(counts(agent)).toMatchObject({ tooLate: 1, open: 1, closed: 1 })
  })
})

describe('the agent’s time', () => {
  it('sets aside what is more than 5 minutes ahead, and it moves no watermark', () => {
    const agent = agentAt(t0)
      .apply(data([at(t0 + 5 * minuteMs + 1), at(t0 + 5 * minuteMs, { series: 20 })]))
      .checkpoint()
    expect(agent.setAside.counts).toEqual([{ device: 1, reason: 'future', count: 1 }])
    expect(agent.keeper.device(1)!.watermarkMs).toBe(Number.NEGATIVE_INFINITY)
    expect(counts(agent)).toMatchObject({ accepted: 1, invalid: { future: 1 } })
    expect(counts(agent, 2)).toMatchObject({ open: 1 })
  })

  it('stamps what is unstamped, in whole ms, by the newest anchor', () => {
    const agent = agentAt(t0).apply(data([at(1_500.4, { flags: 1 })], { arrivedMonotonicMs: 1_500.4 }))
    agent.apply({ kind: 'anchor', monotonicMs: 2_000, wallMs: t0 + 30 * second })
    agent
      .apply(data([at(3_000, { flags: 1 })], { arrivedMonotonicMs: 3_000 }))
      .idle(1)
      .checkpoint()
    expect(agent.row(10, t0)!.summary).toMatchObject({ firstTs: t0 + 1_500, lastTs: t0 + 31 * second, unstamped: 2 })
  })

  it('lets data wait until there is an anchor, as open in the accounts, and judges it then', () => {
    const agent = new TestAgent().apply({ kind: 'start', epoch: 'a' })
    agent.apply(data([at(t0), at(t0 + hourMs), at(100, { flags: 1 })], { arrivedMonotonicMs: 100 }))
    agent.checkpoint().kill()
    expect([...agent.keeper.openWindows()]).toEqual([])
    expect(counts(agent)).toMatchObject({ accepted: 3, open: 3, invalid: {} })
    agent.apply({ kind: 'anchor', monotonicMs: 1_000, wallMs: t0 + 1_000 })
    expect(counts(agent)).toMatchObject({ accepted: 3, open: 2, invalid: { future: 1 } })
    agent.idle(1).checkpoint()
    expect(agent.row(10, t0)!.summary).toMatchObject({ count: 2, lastTs: t0 + 100, unstamped: 1 })
  })

  it('gives what an earlier start left unstamped and unanchored the time of the first anchor after', () => {
    const agent = new TestAgent().apply({ kind: 'start', epoch: 'a' }, data([at(9e6, { flags: 1 })]))
    agent.apply({ kind: 'start', epoch: 'b' }, data([at(40, { flags: 1 })], { arrivedMonotonicMs: 40 }))
    agent
      .apply({ kind: 'anchor', monotonicMs: 50, wallMs: t0 + 50 })
      .idle(1)
      .checkpoint()
    expect(agent.row(10, t0)!.summary).toMatchObject({ count: 2, firstTs: t0 + 40, lastTs: t0 + 50 })
  })
})

describe('an unstamped reading', () => {
  const arrive = (ms: number, more: Partial<TestReading>) =>
    data([at(ms, { flags: 1, ...more })], { arrivedMonotonicMs: ms })

  it('is recognised by boot and seq across windows and restarts', () => {
    const agent = agentAt(t0)
      .apply(arrive(0, { boot: 1, seq: 4 }))
      .checkpoint()
    agent.kill()
    agent.apply(arrive(10 * minuteMs, { boot: 1, seq: 4 }), arrive(10 * minuteMs, { boot: 1, seq: 5 }))
    expect(counts(agent)).toMatchObject({ accepted: 3, duplicate: 1, open: 2 })
  })

  it('is forgotten with its boot after four more boots', () => {
    const agent = agentAt(t0)
    for (const boot of [1, 2, 3, 4, 1]) agent.apply(arrive(0, { boot, seq: 0 }))
    expect(counts(agent).duplicate).toBe(1)
    agent.apply(arrive(0, { boot: 5, seq: 0 })).checkpoint()
    agent.apply(arrive(hourMs, { boot: 1, seq: 0 })).checkpoint()
    expect(counts(agent).duplicate).toBe(1)
  })

  it('without boot or seq is never a repeat', () => {
    const agent = agentAt(t0).apply(arrive(5, {}), arrive(5, {}), arrive(5, { seq: 1 }), arrive(5, { seq: 1 }))
    agent.idle(1).checkpoint()
    expect(agent.row(10, t0)!.summary).toMatchObject({ count: 4, unstamped: 4 })
  })
})

describe('a full set', () => {
  it('makes room by removing repeats, then sets aside what is over-rate', () => {
    const agent = agentAt(t0, { maxReadings: 10 })
    const five = [0, 1, 2, 3, 4].map((n) => at(t0 + n))
    agent.apply(data([...five, ...five, ...five])).checkpoint()
    expect(counts(agent)).toMatchObject({ accepted: 15, open: 10, duplicate: 5, dropped: {} })
    agent.apply(data([10, 11, 12, 13, 14, 15, 16].map((n) => at(t0 + n)))).checkpoint()
    expect(counts(agent)).toMatchObject({ accepted: 22, open: 10, duplicate: 10, dropped: { 'over-rate': 2 } })
    agent.idle(1).checkpoint()
    expect(agent.row(10, t0)!.summary).toMatchObject({ count: 10, duplicate: 10 })
  })

  it('costs no sort per reading once it is full, however many repeats come', () => {
    const agent = agentAt(t0, { maxReadings: 10_000 })
    const distinct = Array.from({ length: 9_999 }, (_, n) => at(t0 + n))
    agent.apply(data(distinct))
    const before = performance.now()
    for (let i = 0; i < 100; i += 1) agent.apply(data(distinct.slice(0, 100)))
    expect(performance.now() - before).toBeLessThan(5_000)
    expect(counts(agent)).toMatchObject({ accepted: 19_999, open: 10_000, duplicate: 1 })
    agent.checkpoint().kill()
    agent.apply(data(distinct.slice(0, 100)))
    expect(counts(agent)).toMatchObject({ accepted: 20_099, open: 10_000, duplicate: 1 })
    expect(unaccounted(agent.keeper)).toEqual([0])
  })

  it('remembers over a restart how many repeats it gave up', () => {
    const agent = agentAt(t0, { maxReadings: 4 })
    agent.apply(data([0, 0, 1, 2, 3].map((n) => at(t0 + n)))).checkpoint()
    agent.kill()
    agent.idle(1).checkpoint()
    expect(agent.row(10, t0)!.summary).toMatchObject({ count: 4, duplicate: 1 })
    expect(counts(agent)).toMatchObject({ accepted: 5, closed: 4, duplicate: 1, open: 0 })
  })

  it('stays at its size when late readings would enlarge it', () => {
    const agent = agentAt(t0, { maxReadings: 4 })
    agent
      .apply(data([0, 2, 4].map((n) => at(t0 + n))))
      .idle(1)
      .checkpoint()
    agent
      .apply(data([1, 2, 3, 5].map((n) => at(t0 + n))))
      .idle(1)
      .checkpoint()
    expect(agent.row(10, t0)).toMatchObject({ rev: 1, summary: { count: 4, lastTs: t0 + 4, amended: 1 } })
    expect(counts(agent)).toMatchObject({ closed: 4, duplicate: 1, dropped: { 'over-rate': 2 }, open: 0 })
  })

  it('counts every reading set aside but keeps the first and the newest 50 of a reason', () => {
    const agent = agentAt(t0)
    const ahead = Array.from({ length: 500 }, (_, i) => at(t0 + hourMs + i))
    agent.apply(data(ahead)).checkpoint()
    expect(agent.setAside.counts).toEqual([{ device: 1, reason: 'future', count: 500 }])
    const kept = agent.setAside.readings.map(({ ts }) => ts - t0 - hourMs)
    expect(kept).toEqual(Array.from({ length: 100 }, (_, i) => (i < 50 ? i : 400 + i)))
  })
})

describe('time settings', () => {
  const five: typeof settings = { ...settings, lengthMs: 5 * minuteMs }

  it('change at the next full hour of each device’s event time, also for readings late on the far side of it', () => {
    const agent = agentAt(t0 + 3 * hourMs).apply(data([at(t0 + 10 * minuteMs), at(t0 + 70 * minuteMs, { series: 20 })]))
    agent.apply({ kind: 'settings', settings: five })
    agent.apply(data([at(t0 + 59 * minuteMs), at(t0 + hourMs), at(t0 + 30 * minuteMs, { value: 2 })]))
    agent.apply(data([at(t0 + 119 * minuteMs, { series: 20 }), at(t0 + 2 * hourMs, { series: 20 })]))
    const lengths = [...agent.keeper.openWindows()].map(({ device, start, lengthMs }) => [
      device,
      (start - t0) / minuteMs,
      lengthMs / minuteMs,
    ])
    expect(lengths.toSorted((a, b) => a[0]! - b[0]! || a[1]! - b[1]!)).toEqual([
      [1, 30, 1],
      [1, 59, 1],
      [1, 60, 5],
      [2, 119, 1],
      [2, 120, 5],
    ])
    expect(agent.keeper.settings).toEqual(five)
  })

  it('never let a watermark or a floor fall when the lateness grows', () => {
    const agent = agentAt(t0 + 3 * hourMs).apply(data([at(t0 + 59 * minuteMs)]))
    agent.apply({ kind: 'settings', settings: { ...settings, latenessMs: 10 * minuteMs } })
    const { watermarkMs, floorMs } = agent.keeper.device(1)!
    agent.apply(data([at(t0 + hourMs)]))
    expect(agent.keeper.device(1)).toMatchObject({ watermarkMs, floorMs })
    agent.apply(data([at(t0 + 2 * hourMs)]))
    expect(agent.keeper.device(1)!.watermarkMs).toBe(t0 + 110 * minuteMs)
  })

  it('hold at once for a device that was never heard', () => {
    const agent = agentAt().apply({ kind: 'settings', settings: five }, data([at(t0)]))
    expect([...agent.keeper.openWindows()].map(({ lengthMs }) => lengthMs)).toEqual([five.lengthMs])
  })

  it('that no window can have are refused', () => {
    for (const lengthMs of [0, 7 * minuteMs, hourMs, 1.5, Number.NaN]) {
      expect(() => new WindowKeeper(directory, { ...settings, lengthMs })).toThrow(RangeError)
    }
  })
})

describe('accounts', () => {
  it('count what came with QoS 0 beside all terms, and what a decoder refused by its reason', () => {
    const invalid = [{ device: 1, reason: 'bad-value', count: 3 }]
    const agent = agentAt()
      .apply(data([at(t0, { flags: 2 }), at(t0 + 1)], { invalid }))
      .idle(1)
      .checkpoint()
    expect(counts(agent)).toMatchObject({ accepted: 5, closed: 2, invalid: { 'bad-value': 3 }, qos0: 1 })
    expect(unaccounted(agent.keeper)).toEqual([0])
  })
})

describe('a start', () => {
  it('has no time until the next anchor: what comes meanwhile waits, and nobody was heard yet', () => {
    const agent = agentAt().apply(data([at(t0)], { arrivedMonotonicMs: 500 }))
    expect(agent.keeper.device(1)!.lastArrivalMonotonicMs).toBe(500)
    agent.apply({ kind: 'start', epoch: 'e2' })
    expect([agent.keeper.anchored, agent.keeper.device(1)!.lastArrivalMonotonicMs]).toEqual([false, Number.NaN])
    agent.apply(data([at(t0 + 1)]))
    expect([counts(agent).open, [...agent.keeper.openWindows()][0]?.rows.length]).toEqual([2, 1])
    agent.apply(anchor(t0 + 10 * minuteMs))
    expect([counts(agent).open, [...agent.keeper.openWindows()][0]?.rows.length]).toEqual([2, 2])
  })
})
