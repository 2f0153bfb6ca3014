import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { type DevicePlan, tickMs } from '../device.ts'
import { planDevices } from '../device-plan.ts'
import type { Send } from '../send.ts'
import { noonMs, smallFleet } from '../testing.ts'
import { createDeviceStream, type Perturb, perturbations } from './index.ts'

let plans: DevicePlan[]
beforeAll(async () => {
  plans = await planDevices(smallFleet(), { seed: 3 })
})

function take(plan: DevicePlan, perturb: Perturb, count: number): Send[] {
  const chosen = perturbations.map((perturbation) => ({ perturbation, share: perturb[perturbation.name] ?? 0 }))
  const stream = createDeviceStream(plan, {
    ...{ fleetSeed: 3, t0Ms: noonMs, fromMs: noonMs, runName: 'r' },
    perturbations: chosen.filter(({ share }) => share > 0),
  })
  return Array.from({ length: count }, () => stream.next())
}

const named = (device: string) => plans.find((plan) => plan.device === device)!
const shares = fc.record(
  Object.fromEntries(perturbations.map(({ name }) => [name, fc.constantFrom(0, 0.02, 0.3)])),
) as fc.Arbitrary<Perturb>

describe('a stream of messages', () => {
  it('is the same for the same seed, whatever happens in it', () => {
    fc.assert(
      fc.property(shares, fc.nat({ max: 5 }), (perturb, at) => {
        expect(take(plans[at]!, perturb, 200)).toEqual(take(plans[at]!, perturb, 200))
      }),
      { numRuns: 40 },
    )
  })

  it('leaves in the order of time, and nothing leaves before it is taken', () => {
    fc.assert(
      fc.property(shares, fc.nat({ max: 5 }), (perturb, at) => {
        const sends = take(plans[at]!, perturb, 300)
        for (const [n, { sendMs, atMs, tick }] of sends.entries()) {
          expect(sendMs).toBeGreaterThanOrEqual(Math.max(atMs, sends[n - 1]?.sendMs ?? 0))
          expect(atMs).toBe(tickMs(plans[at]!, tick))
        }
      }),
      { numRuns: 40 },
    )
  })

  it('is sound where nothing is asked for: every tick once, in order, numbered from 0', () => {
    const sends = take(named('room'), {}, 500)
    const first = sends[0]!.tick
    for (const [n, send] of sends.entries()) {
      expect(send).toMatchObject({ tick: first + n, seq: n, copy: 0, harm: null, boot: 'r-0', tsMs: send.atMs })
      expect(send.sendMs).toBe(send.atMs)
    }
  })
})

describe('perturbations', () => {
  it('are all in the list', () => {
    const others = ['index.ts', 'perturbation.ts', 'device-stream.ts']
    const files = readdirSync(import.meta.dirname).filter((name) => !others.includes(name) && !/\.test\.ts$/.test(name))
    expect(files.map((name) => name.replace('.ts', '')).sort()).toEqual(perturbations.map(({ name }) => name).sort())
  })

  it('late: some messages leave long after they were taken', () => {
    const delays = take(named('room'), { late: 0.2 }, 500).map(({ sendMs, atMs }) => sendMs - atMs)
    expect(Math.max(...delays)).toBeGreaterThan(60_000)
    expect(delays.filter((delay) => delay === 0).length).toBeGreaterThan(250)
  })

  it('out-of-order: numbers do not rise evenly', () => {
    const numbers = take(named('room'), { 'out-of-order': 0.2 }, 200).map(({ seq }) => seq)
    expect(numbers).not.toEqual(numbers.toSorted((a, b) => a - b))
  })

  it('duplicate: the same message twice, equal in everything but the time of leaving', () => {
    const sends = take(named('room'), { duplicate: 0.2 }, 400)
    const again = sends.filter(({ copy }) => copy === 1)
    expect(again.length).toBeGreaterThan(20)
    for (const { copy: _copy, sendMs: _sendMs, ...rest } of again) {
      expect(sends.some((send) => send.copy === 0 && send.tick === rest.tick && send.seq === rest.seq)).toBe(true)
    }
  })

  it('dropout: numbers are missing', () => {
    const sends = take(named('room'), { dropout: 0.1 }, 300)
    expect(sends.at(-1)!.seq).toBeGreaterThan(sends.length + 10)
    expect(new Set(sends.map(({ seq }) => seq)).size).toBe(sends.length)
  })

  it('reboot: a new boot, numbered from 0; a device without boots does not', () => {
    const sends = take(named('room'), { reboot: 0.02 }, 400)
    const boots = Map.groupBy(sends, ({ boot }) => boot)
    expect(boots.size).toBeGreaterThan(3)
    for (const run of boots.values()) expect(run.map(({ seq }) => seq)).toEqual(run.map((_send, n) => n))
    expect(take(named('quiet'), { reboot: 0.5 }, 100).at(-1)).toMatchObject({ boot: null, seq: 99 })
  })

  it('silent-reboot: numbers fall to 0 without a word, only where there is no boot', () => {
    const sends = plans.flatMap((plan) => take(plan, { 'silent-reboot': 0.05 }, 300))
    const silent = sends.filter(({ boot }) => boot === null)
    expect(silent.filter(({ seq }) => seq === 0).length).toBeGreaterThan(5)
    expect(sends.filter(({ boot, seq }) => boot !== null && seq === 0).every(({ boot }) => boot === 'r-0')).toBe(true)
  })

  it('clock-offset: one device is a day ahead, and only from T0 on', () => {
    const offset = ({ tsMs, atMs }: Send) => tsMs! - atMs
    const offsets = plans.map((plan) => offset(take(plan, { 'clock-offset': 0.5 }, 1)[0]!))
    expect(offsets.filter((ms) => ms === 86_400_000)).toHaveLength(1)
    expect(offsets.filter((ms) => ms !== 86_400_000).every((ms) => ms >= -600_000 && ms <= 120_000)).toBe(true)
    const perturbation = perturbations.find(({ name }) => name === 'clock-offset')!
    const past = plans.map((plan) => {
      const settings = { fleetSeed: 3, t0Ms: noonMs, fromMs: noonMs - 60_000, runName: 'r' }
      return createDeviceStream(plan, { ...settings, perturbations: [{ perturbation, share: 1 }] }).next()
    })
    expect(past.every((send) => offset(send) === 0)).toBe(true)
  })

  it('malformed: messages are spoilt in every way there is', () => {
    const harms = new Set(take(named('room'), { malformed: 0.5 }, 1_000).map(({ harm }) => harm))
    expect(harms.size).toBe(12)
  })
})
