import { decodeEntry, WindowKeeper } from '@millrace/windows'
import { beforeEach, describe, expect, it } from 'vitest'
import { SmallAgent, type SmallAgentOptions } from '../testing/small-agent.ts'

const minuteMs = 60_000
const dayMs = 86_400_000
const startMs = Date.UTC(2026, 0, 1, 12)
type Policy = NonNullable<SmallAgentOptions['sites']>[number]['policy']

let trueMs = startMs
let seq = 0
beforeEach(() => {
  trueMs = startMs
  seq = 0
})

async function agentWith(policy: Policy): Promise<SmallAgent> {
  return await SmallAgent.start({ wallMs: startMs, sites: [{ sites: 'hall', policy }] })
}

/** Each second a message of a device that is this far ahead; the way takes 30 ms. */
function run(agent: SmallAgent, seconds: number, { device = 'hall/off', aheadMs = 0, numbered = true } = {}): void {
  for (let second = 0; second < seconds; second++) {
    const ts = trueMs + aheadMs - 30
    agent.send(device, numbered ? { ts, seq, boot: 'b' } : { ts, value: seq })
    seq++
    trueMs += 1_000
    agent.second()
  }
}

function countsOf(agent: SmallAgent, device = 'off') {
  return agent.keeper.device(agent.names.device('hall', device))!.counts
}

const total = (rows: readonly [number, number, number][]) => rows.reduce((sum, [, count]) => sum + count, 0)

describe('restamp', () => {
  it.each([
    ['4 minutes ahead', 4 * minuteMs, 5],
    ['a day ahead, which would all be set aside as future', dayMs, 5],
    ['2 hours behind, known after two minutes', -120 * minuteMs, 130],
  ])(
    'counts the readings of a clock %s where they belong, and marks those it corrected',
    async (_, aheadMs, knownAfter) => {
      const agent = await agentWith('restamp')
      run(agent, 360, { aheadMs })
      const rows = agent
        .finish()
        .rowsOf('hall/off')
        .filter(([start]) => start < startMs + 6 * minuteMs && start >= startMs)
      const marked = rows.reduce((sum, [, , unstamped]) => sum + unstamped, 0)
      // What came before the clock was known is where the device said.
      expect(total(rows) - marked).toBeLessThanOrEqual(knownAfter)
      expect(marked).toBe(agent.doctor.policy.restamped())
      expect(marked).toBeGreaterThanOrEqual(360 - knownAfter)
      // The last three minutes are whole, but for a reading at either border.
      for (const [, , corrected] of rows.slice(-3, -1)) expect(Math.abs(corrected - 60)).toBeLessThanOrEqual(1)
      expect(agent.doctor.of(agent.names.device('hall', 'off'))).toMatchObject({ policy: 'restamp', restamped: marked })
    },
  )

  it('leaves a clock that is right alone, and one of a site without a policy', async () => {
    const agent = await agentWith('restamp')
    for (let second = 0; second < 60; second++) {
      agent.send('hall/right', { ts: trueMs - 30, seq, boot: 'b' })
      run(agent, 1, { device: 'yard/off', aheadMs: 2 * minuteMs })
    }
    agent.finish()
    expect(agent.rowsOf('hall/right').reduce((sum, [, , unstamped]) => sum + unstamped, 0)).toBe(0)
    expect(agent.rowsOf('yard/off').reduce((sum, [, , unstamped]) => sum + unstamped, 0)).toBe(0)
    expect(agent.doctor.status()).toMatchObject({ states: { good: 1, skewed: 1 }, restamped: 0 })
    expect(agent.doctor.status().worst).toMatchObject([{ site: 'yard', device: 'off', state: 'skewed' }])
  })

  it('recognises a message sent again, whether it came before its clock was known, was corrected, or comes after a restart', async () => {
    const agent = await agentWith('restamp')
    const aheadMs = 2 * minuteMs
    const beforeMs = trueMs
    run(agent, 60, { aheadMs })
    const again = (one: SmallAgent, nth: number) => {
      return one.send('hall/off', { ts: beforeMs + nth * 1_000 + aheadMs - 30, seq: nth, boot: 'b' })
    }
    again(again(agent, 0), 40).second()
    expect(countsOf(agent)).toMatchObject({ accepted: 62, duplicate: 2 })
    const restarted = await agentWith('restamp')
    restarted.names.restore([
      { kind: 'device', id: 1, parent: 'hall', name: 'off' },
      { kind: 'series', id: 1, parent: '1', name: 'temperature' },
      { kind: 'boot', id: 1, parent: '', name: 'b' },
    ])
    for (const bytes of agent.journal) restarted.apply(decodeEntry(bytes))
    restarted.apply({ kind: 'start', epoch: 'f' })
    restarted.apply({ kind: 'anchor', monotonicMs: 0, wallMs: trueMs })
    again(restarted, 41).second()
    expect(countsOf(restarted)).toMatchObject({ accepted: 63, duplicate: 3 })
  })

  it('recognises one without numbers by its corrected time and value, as the correction is held', async () => {
    const agent = await agentWith('restamp')
    // It drifts, so that the estimate is another one each second.
    const drift = () => {
      for (let second = 0; second < 30; second++)
        run(agent, 1, { aheadMs: 2 * minuteMs + 20 * second, numbered: false })
    }
    drift()
    const last = { ts: trueMs - 1_000 + 2 * minuteMs + 20 * 29 - 30, value: seq - 1 }
    agent.send('hall/off', last).second()
    drift()
    agent.send('hall/off', last).second()
    expect(countsOf(agent.finish())).toMatchObject({ accepted: 62, closed: 60, duplicate: 2 })
  })

  it('is decided before the journal: windows that hear the journal alone are the same', async () => {
    const agent = await agentWith('restamp')
    run(agent, 120, { aheadMs: -30_000 })
    run(agent, 120, { aheadMs: 3 * minuteMs })
    const heard = new WindowKeeper(agent.names, agent.keeper.settings)
    for (const bytes of agent.journal) heard.apply(decodeEntry(bytes))
    expect([...heard.openWindows()].length).toBeGreaterThan(0)
    expect(heard.takeClosings()).toEqual(agent.keeper.takeClosings())
    expect(heard.takeChanges()).toEqual(agent.keeper.takeChanges())
  })

  it('is not done where the devices agree with each other and not with the agent', async () => {
    const agent = await agentWith('restamp')
    for (let second = 0; second < 60; second++) {
      for (const device of ['a', 'b', 'c']) agent.send(`hall/${device}`, { ts: trueMs + minuteMs, seq, boot: 'b' })
      run(agent, 1, { aheadMs: minuteMs })
    }
    expect(agent.doctor.status()).toMatchObject({ states: { skewed: 4 }, restamped: 0, suspect: { devices: 4 } })
  })
})

describe('set-aside', () => {
  it('makes dead letters of what a clock that is off says, with the reason, and every reading is accounted for', async () => {
    const agent = await agentWith('set-aside')
    for (let second = 0; second < 60; second++) {
      agent.send('hall/right', { ts: trueMs - 30, seq, boot: 'b' })
      run(agent, 1, { aheadMs: 60_000 })
    }
    agent.finish()
    const { accepted, closed, invalid, open, duplicate } = countsOf(agent)
    expect(accepted).toBe(60)
    expect(closed + (invalid['skewed-clock'] ?? 0)).toBe(60)
    expect(invalid['skewed-clock']).toBeGreaterThanOrEqual(55)
    expect({ open, duplicate }).toEqual({ open: 0, duplicate: 0 })
    expect(agent.setAside.reduce((sum, { count }) => sum + count, 0)).toBe(invalid['skewed-clock'])
    expect(agent.setAside[0]).toMatchObject({ reason: 'skewed-clock', device: 'off' })
    expect(JSON.parse(agent.setAside[0]!.body)).toMatchObject([{ metric: 'temperature', boot: 'b', value: 1 }])
    expect(countsOf(agent, 'right')).toMatchObject({ accepted: 60, closed: 60, invalid: {} })
  })

  it('takes the device back when its clock is right again', async () => {
    const agent = await agentWith('set-aside')
    run(agent, 130)
    run(agent, 60, { aheadMs: 4 * minuteMs })
    const { invalid: before } = countsOf(agent)
    run(agent, 130)
    const settled = { ...countsOf(agent).invalid }
    run(agent, 60)
    expect(before['skewed-clock']).toBeGreaterThan(50)
    expect(countsOf(agent).invalid).toEqual(settled)
  })
})
