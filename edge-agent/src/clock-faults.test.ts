import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Sent, SmallAgent } from './testing/small-agent.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const startMs = Date.UTC(2026, 0, 1, 12)
const good = ['hall/a', 'hall/b', 'hall/c']

/** True time, whatever the agent's wall clock says. */
let trueMs = startMs
let seq = 0
beforeEach(() => {
  trueMs = startMs
  seq = 0
})

/** Seconds in which every device sends; `bad` may say what one more sends. */
function run(agent: SmallAgent, seconds: number, { devices = good, bad = (_: SmallAgent) => {} } = {}): void {
  for (let second = 0; second < seconds; second++) {
    for (const device of devices) agent.send(device, { ts: trueMs - 20, seq, boot: 'b' })
    bad(agent)
    seq++
    trueMs += 1_000
    agent.second()
  }
}

/** What a device that sends each second has in its windows. */
function expected(fromMs: number, seconds: number): [number, number, number][] {
  const windows = new Map<number, number>()
  for (let second = 0; second < seconds; second++) {
    const start = Math.floor((fromMs + second * 1_000 - 20) / minuteMs) * minuteMs
    windows.set(start, (windows.get(start) ?? 0) + 1)
  }
  return [...windows].map(([start, count]) => [start, count, 0])
}

const unstampedOne = (agent: SmallAgent) => agent.send('hall/bare', { seq, boot: 'b' })

describe('the wall clock of the agent', () => {
  it.each([
    ['an hour back', -hourMs],
    ['an hour ahead', hourMs],
    ['a year ahead', 365 * 24 * hourMs],
    ['a year back', -365 * 24 * hourMs],
  ])('steps %s and is put right: no reading is in a wrong window, with its own time or without', async (_, stepMs) => {
    const agent = await SmallAgent.start({ wallMs: startMs })
    run(agent, 120, { bad: unstampedOne })
    agent.clock.step(stepMs)
    run(agent, 120, { bad: unstampedOne })
    expect(agent.time.state()).toMatchObject({ steps: 0, disputedMs: stepMs })
    agent.clock.step(-stepMs)
    run(agent, 120, { bad: unstampedOne })
    agent.finish()
    for (const device of good) expect(agent.rowsOf(device)).toEqual(expected(startMs, 360))
    const bare = agent.rowsOf('hall/bare')
    expect(bare.map(([start, count]) => [start, count])).toEqual(
      [0, 1, 2, 3, 4, 5].map((minute) => [startMs + minute * minuteMs, 60]),
    )
    expect(bare.every(([, count, unstamped]) => count === unstamped)).toBe(true)
    expect(agent.time.state()).toEqual({ source: 'system', offsetMs: 0, steps: 0 })
    expect(agent.setAside).toEqual([])
  })

  it('is followed where no device contradicts, and every reading stamped by it says so', async () => {
    const agent = await SmallAgent.start({ wallMs: startMs })
    run(agent, 60, { devices: [], bad: unstampedOne })
    agent.clock.step(hourMs)
    run(agent, 60, { devices: [], bad: unstampedOne })
    expect(agent.finish().time.state()).toMatchObject({ steps: 1, offsetMs: 0 })
    const rows = agent.rowsOf('hall/bare')
    expect(rows.reduce((sum, [, count]) => sum + count, 0)).toBe(120)
    expect(rows.every(([, count, unstamped]) => count === unstamped)).toBe(true)
    expect(rows.at(-1)![0]).toBeGreaterThan(startMs + hourMs)
  })

  it('is followed where the time service vouches for it, whatever the devices say', async () => {
    const agent = await SmallAgent.start({ wallMs: startMs, trust: 'synchronised' })
    agent.synchronised = true
    run(agent, 60)
    agent.clock.step(-hourMs)
    run(agent, 60)
    expect(agent.time.state()).toMatchObject({ steps: 1 })
    expect(agent.doctor.status()).toMatchObject({ suspect: { devices: 3, offsetMs: expect.any(Number) } })
  })

  it('is 1970 at the start and right half a minute later: nothing is judged before, and nothing is wrong after', async () => {
    const agent = await SmallAgent.start({ wallMs: 0 })
    run(agent, 30, { bad: unstampedOne })
    expect(agent.time.state()).toMatchObject({ source: 'none' })
    expect(agent.doctor.status().states).toMatchObject({ unknown: 4 })
    agent.clock.step(trueMs - agent.clock.now())
    run(agent, 90, { bad: unstampedOne })
    agent.finish()
    expect(agent.time.state()).toEqual({ source: 'system', offsetMs: 0, steps: 0 })
    for (const device of good) expect(agent.rowsOf(device)).toEqual(expected(startMs, 120))
    expect(agent.rowsOf('hall/bare').map(([, count, unstamped]) => [count, unstamped])).toEqual([
      [60, 60],
      [60, 60],
    ])
    expect(agent.setAside).toEqual([])
  })

  it('stays in 1970: after the wait the middle of the devices’ clocks stands in, and one that is wrong has no say', async () => {
    const agent = await SmallAgent.start({ wallMs: 0 })
    const year = (one: SmallAgent) => one.send('hall/ahead', { ts: trueMs + 365 * 24 * hourMs, seq, boot: 'b' })
    run(agent, 180, { bad: (one) => unstampedOne(year(one)) })
    agent.finish()
    expect(agent.time.state()).toMatchObject({ source: 'devices' })
    for (const device of good) expect(agent.rowsOf(device)).toEqual(expected(startMs, 180))
    expect(agent.rowsOf('hall/bare').reduce((sum, [, count]) => sum + count, 0)).toBe(180)
    expect(agent.keeper.device(agent.names.device('hall', 'ahead'))?.counts.invalid).toEqual({ future: 180 })
  })
})

describe('a device whose clock is off', () => {
  it('never changes the windows of another, whatever it says', async () => {
    const alone = await SmallAgent.start({ wallMs: startMs })
    run(alone, 180)
    const rows = good.map((device) => alone.finish().rowsOf(device))
    const policy = fc.constantFrom('accept' as const, 'restamp' as const, 'set-aside' as const)
    const say: fc.Arbitrary<Sent> = fc.record(
      {
        ts: fc.oneof(
          fc.integer({ min: -400 * 24 * hourMs, max: 400 * 24 * hourMs }).map((offset) => startMs + offset),
          fc.integer({ min: -600_000, max: 600_000 }).map((offset) => startMs + offset),
        ),
        seq: fc.nat(50),
        boot: fc.constantFrom('x', 'y'),
      },
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(policy, fc.array(say, { minLength: 30, maxLength: 180 }), async (chosen, says) => {
        trueMs = startMs
        seq = 0
        const agent = await SmallAgent.start({ wallMs: startMs, sites: [{ sites: '*', policy: chosen }] })
        run(agent, 180, { bad: (one) => one.send('hall/bad', says[seq % says.length]!) })
        agent.finish()
        expect(good.map((device) => agent.rowsOf(device))).toEqual(rows)
        const { counts } = agent.keeper.device(agent.names.device('hall', 'bad'))!
        const { accepted, closed, open, duplicate, tooLate, invalid } = counts
        const refused = Object.values(invalid).reduce((sum, count) => sum + count, 0)
        expect(accepted).toBe(180)
        expect(closed + open + duplicate + tooLate + refused).toBe(accepted)
      }),
      { numRuns: 60 },
    )
  })
})
