import { describe, expect, it } from 'vitest'
import { seededRandom } from '../testing/seeded-random.ts'
import { DeviceClocks } from './device-clocks.ts'

const thresholds = { skewed: 5_000, jumped: 10_000, drifting: 200 }
const minuteMs = 60_000
const startMs = Date.UTC(2026, 0, 1)

type ByTime = (atMs: number) => number

interface RunOptions {
  everyMs?: number
  aheadMs?: ByTime
  lateMs?: ByTime
}

const none: ByTime = () => 0

/** The agent's time is right, and 0 on the monotonic scale is `startMs`. */
class Fleet {
  readonly clocks = new DeviceClocks(thresholds, {
    epochMs: () => startMs + this.agentAheadMs,
    isSteady: () => this.steady,
  })
  readonly #random = seededRandom(7)
  agentAheadMs = 0
  steady = true
  atMs = 0

  /** A message of device 1 each `everyMs` for `forMs`; `aheadMs` is its clock's error and `lateMs` what the way adds, both by true time. */
  run(forMs: number, { everyMs = 1_000, aheadMs = none, lateMs = none }: RunOptions = {}): this {
    for (const endMs = this.atMs + forMs; this.atMs < endMs; this.atMs += everyMs) {
      const late = lateMs(this.atMs) + this.#random() * 40
      this.clocks.see(1, Math.round(startMs + this.atMs - late + aheadMs(this.atMs - late)), this.atMs)
    }
    return this
  }

  get verdict() {
    return this.clocks.verdict(1)
  }
}

describe('a good clock', () => {
  it('is good after a few messages, and its jitter is that of the way', () => {
    const { verdict } = new Fleet().run(20_000)
    expect(verdict).toMatchObject({ state: 'good', driftPpm: null })
    expect(Math.abs(verdict.offsetMs!)).toBeLessThan(45)
    expect(verdict.jitterMs).toBeLessThan(40)
  })

  it.each([
    ['half of its messages come up to a minute late', (at: number) => (at % 2_000 === 0 ? at % 60_000 : 0)],
    [
      'an outage of an hour ends in a backlog that takes ten minutes',
      backlogAfter(3_600_000, 10 * minuteMs),
      3_600_000,
    ],
    ['an outage of ten minutes ends in a backlog that is sent within a second', backlogAfter(600_000, 1_000), 600_000],
    [
      'an outage of ten minutes leaves a queue that stays ten minutes long for eight',
      queueAfter(600_000, 8 * minuteMs),
      600_000,
    ],
    [
      'its messages come in bursts of five minutes',
      (at: number) => (5 * minuteMs - (at % (5 * minuteMs))) % (5 * minuteMs),
    ],
  ])('stays good where %s', (_, lateMs, outageMs = 0) => {
    const fleet = new Fleet().run(20 * minuteMs)
    fleet.atMs += outageMs
    for (let minute = 0; minute < 60; minute++) {
      const { state, jump } = fleet.run(minuteMs, { lateMs: (at) => lateMs(at - 20 * minuteMs - outageMs) }).verdict
      expect({ minute, state, jump }).toEqual({ minute, state: 'good' })
    }
  })

  it('is unknown, not slow, while all that came is a backlog', () => {
    const fleet = new Fleet().run(minuteMs, { lateMs: (at) => 3_600_000 - at * 30 })
    expect(fleet.verdict).toMatchObject({ state: 'unknown', offsetMs: null, reason: expect.stringContaining('late') })
    expect(fleet.run(5 * minuteMs).verdict).toMatchObject({ state: 'good' })
    expect(fleet.verdict.jump).toBeUndefined()
  })

  it('stays good for one wild event time, whichever way', () => {
    const fleet = new Fleet().run(10 * minuteMs)
    fleet
      .run(1_000, { aheadMs: () => 86_400_000 })
      .run(minuteMs)
      .run(1_000, { aheadMs: () => -86_400_000 })
    expect(fleet.run(5 * minuteMs).verdict).toMatchObject({ state: 'good' })
    expect(fleet.verdict.jump).toBeUndefined()
  })

  it('stays good when the agent follows a step of its own clock and goes back', () => {
    const fleet = new Fleet().run(10 * minuteMs)
    fleet.agentAheadMs = 3_600_000
    expect(fleet.run(minuteMs).verdict).toMatchObject({ state: 'skewed' })
    fleet.agentAheadMs = 0
    expect(fleet.verdict).toMatchObject({ state: 'good' })
    expect(fleet.verdict.jump).toBeUndefined()
  })
})

describe('a clock that is off', () => {
  it('is skewed at once where it is ahead, as no way makes messages early', () => {
    const { verdict } = new Fleet().run(5_000, { aheadMs: () => 240_000 })
    expect(verdict.state).toBe('skewed')
    expect(Math.abs(verdict.offsetMs! - 240_000)).toBeLessThan(100)
  })

  it.each([1_000, 60_000, 600_000])(
    'is skewed once two minutes agree where it is behind, a message each %d ms',
    (everyMs) => {
      const fleet = new Fleet().run(Math.max(3 * minuteMs, 6 * everyMs), { everyMs, aheadMs: () => -7_200_000 })
      expect(fleet.verdict.state).toBe('skewed')
      expect(Math.abs(fleet.verdict.offsetMs! + 7_200_000)).toBeLessThan(100)
    },
  )

  it.each([500, -500, 5_000, -20_000])('drifts by %d ppm, and the figure is within a tenth', (ppm) => {
    const fleet = new Fleet().run(16 * minuteMs, { aheadMs: (at) => (at * ppm) / 1e6 })
    expect(Math.abs(fleet.verdict.driftPpm! - ppm)).toBeLessThan(Math.abs(ppm) / 10 + 20)
    expect(Math.abs(fleet.verdict.offsetMs! - (fleet.atMs * ppm) / 1e6)).toBeLessThan(100)
    expect(fleet.verdict.state).toBe(Math.abs(fleet.verdict.offsetMs!) > 5_000 ? 'skewed' : 'drifting')
    expect(fleet.verdict.jump).toBeUndefined()
  })

  it('does not drift where the agent’s own clock is not steady, nor for what a way that grows by some ms makes of it', () => {
    const fleet = new Fleet()
    fleet.steady = false
    expect(fleet.run(16 * minuteMs, { aheadMs: (at) => at / 1000 }).verdict).toMatchObject({
      state: 'good',
      driftPpm: null,
    })
    fleet.steady = true
    expect(fleet.verdict).toMatchObject({ state: 'drifting' })
    const longer = new Fleet().run(7.5 * minuteMs, { lateMs: (at) => at / 4_500 })
    expect(longer.verdict).toMatchObject({ state: 'good', driftPpm: expect.any(Number) })
  })

  it('does not drift for what jitter alone makes of it', () => {
    const fleet = new Fleet()
    for (let minute = 0; minute < 120; minute++) {
      fleet.run(minuteMs, { everyMs: 20_000, lateMs: (at) => ((at / 20_000) % 7) * 100 })
      expect(fleet.verdict.state).not.toBe('drifting')
    }
  })
})

describe('a jump', () => {
  it.each([3_600_000, 86_400_000 * 365, 30_000])(
    'ahead by %d ms is named with its size and time within seconds',
    (sizeMs) => {
      const fleet = new Fleet().run(10 * minuteMs)
      const jumpedAt = startMs + fleet.atMs
      const { state, jump } = fleet.run(6_000, { aheadMs: () => sizeMs }).verdict
      expect(state).toBe('jumped')
      expect(Math.abs(jump!.sizeMs - sizeMs)).toBeLessThan(100)
      expect(Math.abs(jump!.atMs - jumpedAt)).toBeLessThan(6_000)
    },
  )

  it.each([3_600_000, 86_400_000 * 365, 30_000])('back by %d ms is named once it has lasted', (sizeMs) => {
    const fleet = new Fleet().run(10 * minuteMs).run(4 * minuteMs, { aheadMs: () => -sizeMs })
    expect(fleet.verdict.state).toBe('jumped')
    expect(Math.abs(fleet.verdict.jump!.sizeMs + sizeMs)).toBeLessThan(100)
  })

  it('and back is good again after an hour, and still told', () => {
    const fleet = new Fleet()
      .run(10 * minuteMs)
      .run(10 * minuteMs, { aheadMs: () => 3_600_000 })
      .run(4 * minuteMs)
    expect(fleet.verdict).toMatchObject({ state: 'jumped' })
    expect(Math.abs(fleet.verdict.jump!.sizeMs + 3_600_000)).toBeLessThan(100)
    expect(fleet.run(3_600_000).verdict).toMatchObject({ state: 'good', jump: fleet.verdict.jump })
  })
})

describe('nothing is said', () => {
  it('of a device that sends no time, and why', () => {
    expect(new Fleet().verdict).toMatchObject({
      state: 'unknown',
      reason: expect.stringContaining('no time of its own'),
    })
  })

  it('while the agent has no time of its own', () => {
    const fleet = new Fleet().run(minuteMs)
    fleet.agentAheadMs = Number.NaN
    expect(fleet.verdict).toMatchObject({ state: 'unknown', reason: expect.stringContaining('agent') })
  })
})

/** Lateness of what was kept for `outageMs` and comes evenly within `drainMs`. */
function backlogAfter(outageMs: number, drainMs: number) {
  return (at: number) => (at < drainMs ? outageMs * (1 - at / drainMs) : 0)
}

/** Nothing arrives twice or out of order: the queue is as long as the outage, and then it is gone. */
function queueAfter(outageMs: number, forMs: number) {
  return (at: number) => (at < forMs ? outageMs : 0)
}
