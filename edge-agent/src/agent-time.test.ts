import { manualClock } from '@millrace/pipeline'
import { describe, expect, it } from 'vitest'
import { AgentTime, timeCheckMs } from './agent-time.ts'

const startMs = Date.UTC(2026, 0, 1)

function agentTime(trust: 'system' | 'synchronised', isSynchronised = () => false) {
  const clock = manualClock(startMs)
  const time = new AgentTime({ clock, trust, isSynchronised, waitMs: 120_000 })
  const check = () => {
    const entry = time.check()
    if (entry) time.obey(entry)
    return entry
  }
  return { clock, time, check }
}

describe('the agent time', () => {
  it('is anchored at once where the system clock is trusted, and carried on by the monotonic clock', () => {
    const { clock, time, check } = agentTime('system')
    expect(time.now()).toBeUndefined()
    expect(check()).toEqual({ kind: 'anchor', monotonicMs: 0, wallMs: startMs })
    clock.advance(1_000)
    clock.step(3_600_000)
    expect(time.now()).toBe(startMs + 1_000)
  })

  it('follows a step only after two confirmations, and says so', () => {
    const { clock, time, check } = agentTime('system')
    check()
    clock.step(3_600_000)
    for (const expected of [undefined, undefined, clock.now() + 3 * timeCheckMs]) {
      clock.advance(timeCheckMs)
      expect(check()?.wallMs).toBe(expected)
    }
    expect(time.state()).toEqual({ source: 'system', offsetMs: 0, steps: 1 })
  })

  it('forgets a step that was taken back', () => {
    const { clock, time, check } = agentTime('system')
    check()
    for (const step of [5_000, -5_000, 5_000, -5_000]) {
      clock.step(step)
      clock.advance(timeCheckMs)
      expect(check()).toBeUndefined()
    }
    expect(time.state().steps).toBe(0)
  })

  it('waits for synchronisation', () => {
    let synchronised = false
    const { clock, time, check } = agentTime('synchronised', () => synchronised)
    time.observe(1, startMs, 0)
    clock.advance(60_000)
    expect(check()).toBeUndefined()
    synchronised = true
    expect(check()?.wallMs).toBe(clock.now())
    expect(time.state().source).toBe('synchronised')
  })

  it('takes the median of the devices after the wait, one bad clock notwithstanding', () => {
    const { clock, time, check } = agentTime('synchronised')
    time.observe(1, startMs - 200, 0)
    time.observe(2, startMs - 100, 0)
    time.observe(3, startMs + 90 * 86_400_000, 0)
    clock.advance(120_000)
    expect(check()?.wallMs).toBe(startMs - 100 + 120_000)
    expect(time.state().source).toBe('devices')
  })
})
