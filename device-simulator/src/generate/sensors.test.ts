import { readdirSync } from 'node:fs'
import { findMetric } from '@millrace/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Sensor } from '../sensor.ts'
import { hourMs, noonMs, roomOf } from '../testing.ts'
import { sensors } from './index.ts'

const dayMs = 24 * hourMs
const simulated = sensors.types.filter((type) => type !== 'host')
const sensor = (type: string, place: Record<string, unknown> = {}, seed = 7): Promise<Sensor> =>
  sensors.create(sensors.schema.parse({ type }), roomOf(place, seed))
const valuesOf = async (type: string, times: number[], place = {}) => {
  const { read } = await sensor(type, place)
  return times.map((ms) => read(ms, 0))
}
const over = (fromMs: number, toMs: number, stepMs: number) =>
  Array.from({ length: Math.floor((toMs - fromMs) / stepMs) }, (_none, n) => fromMs + n * stepMs)
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

describe('the list of sensors', () => {
  it('has every file of the folder', () => {
    const files = readdirSync(import.meta.dirname).filter((name) => !/^index\.ts$|\.test\.ts$/.test(name))
    expect(files.map((name) => name.replace('.ts', '')).sort()).toEqual([...sensors.types].sort())
  })

  it('knows unit, range and kind of every metric', async () => {
    for (const type of sensors.types) {
      for (const metric of (await sensor(type)).metrics) expect(findMetric(metric), metric).toBeDefined()
    }
  })
})

describe.each(simulated)('%s', (type) => {
  it('says the same for the same seed and moment, whatever was asked before', async () => {
    const [one, other] = [await sensor(type), await sensor(type)]
    const times = fc.array(fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2090, 0, 1) }), { maxLength: 20 })
    fc.assert(
      fc.property(times, (asked) => {
        const first = asked.map((ms) => one.read(ms, 0))
        const backwards = asked.toReversed().map((ms) => other.read(ms, 0))
        expect(backwards.toReversed()).toEqual(first)
      }),
    )
  })

  it('says something else for another seed', async () => {
    const times = over(noonMs, noonMs + dayMs, 61_000)
    const [one, other] = [await sensor(type, {}, 1), await sensor(type, {}, 2)]
    expect(times.map((ms) => one.read(ms, 0))).not.toEqual(times.map((ms) => other.read(ms, 0)))
  })

  it('stays in the range of its metric', async () => {
    const { read, metrics } = await sensor(type, { people: 8 })
    const { min, max } = findMetric(metrics[0]!)!
    for (const ms of over(noonMs, noonMs + 7 * dayMs, 397_000)) {
      expect(read(ms, 0)).toBeGreaterThanOrEqual(min)
      expect(read(ms, 0)).toBeLessThanOrEqual(max)
    }
  })
})

describe('physics', () => {
  it('temperature is higher in the afternoon than before dawn, and moves slowly', async () => {
    const place = { people: 0, swing: 8, inertia: '30m' }
    const days = Array.from({ length: 20 }, (_none, day) => noonMs + day * dayMs)
    const afternoon = await valuesOf(
      'temperature',
      days.map((ms) => ms + 3.5 * hourMs),
      place,
    )
    const dawn = await valuesOf(
      'temperature',
      days.map((ms) => ms - 7 * hourMs),
      place,
    )
    expect(mean(afternoon) - mean(dawn)).toBeGreaterThan(8)
    const seconds = await valuesOf('temperature', over(noonMs, noonMs + hourMs, 1_000), place)
    for (const [n, value] of seconds.slice(1).entries()) expect(Math.abs(value - seconds[n]!)).toBeLessThan(0.1)
  })

  it('humidity falls where temperature rises', async () => {
    const times = over(noonMs, noonMs + 10 * dayMs, 1_800_000)
    const [t, h] = [await valuesOf('temperature', times), await valuesOf('humidity', times)]
    const [tMean, hMean] = [mean(t), mean(h)]
    const covariance = mean(t.map((value, n) => (value - tMean) * (h[n]! - hMean)))
    const spread = Math.sqrt(mean(t.map((v) => (v - tMean) ** 2)) * mean(h.map((v) => (v - hMean) ** 2)))
    expect(covariance / spread).toBeLessThan(-0.2)
  })

  it('co2 rises while a room is used and falls to fresh air at night', async () => {
    const [night, day] = await valuesOf('co2', [noonMs - 8 * hourMs, noonMs + 4 * hourMs], { people: 10 })
    expect(night).toBeLessThan(440)
    expect(day).toBeGreaterThan(700)
  })

  it('a propped door warms one whole minute of three, again and again, and stands open meanwhile', async () => {
    const minutes = over(noonMs, noonMs + hourMs, 60_000)
    const seconds = (ms: number) => over(ms, ms + 60_000, 1_000)
    const place = { temperature: 4, inertia: '6h', doorOpen: {} }
    const warm = await Promise.all(minutes.map(async (ms) => mean(await valuesOf('temperature', seconds(ms), place))))
    const open = await Promise.all(minutes.map(async (ms) => mean(await valuesOf('door', seconds(ms), place))))
    const propped = minutes.map((ms) => ms % 180_000 === 0)
    for (const [n, isPropped] of propped.entries()) {
      expect(warm[n]! > 9).toBe(isPropped)
      if (isPropped) expect(open[n]).toBe(1)
    }
  })

  it.each([0, 17_000, 31_000, 59_000])(
    'from a start %i ms after a minute on a door is propped at once, two or three whole minutes are warm, then again every 20',
    async (phaseMs) => {
      const fromMs = noonMs + hourMs / 2
      const t0Ms = fromMs + phaseMs
      const room = roomOf({ temperature: 4, inertia: '6h', doorOpen: { every: '1h', fromStart: {} } }, 7, t0Ms)
      const { read } = await sensors.create({ type: 'temperature' }, room)
      const warm = (minute: number) => {
        const values = over(fromMs + minute * 60_000, fromMs + (minute + 1) * 60_000, 10_000).map((ms) => read(ms, 0))
        return values.sort((a, b) => a - b)[2]! > 8
      }
      const warmIn = (from: number, to: number) => over(from, to, 1).filter(warm)
      expect(warmIn(-90, 0)).toEqual([-90, -30])
      const first = warmIn(0, 19)
      expect([2, 3]).toContain(first.length)
      expect(first[0]! * 60_000).toBeLessThan(phaseMs + 46_000)
      expect((first.at(-1)! + 1) * 60_000).toBeLessThan(phaseMs + 200_000)
      expect(warmIn(19, 60)).toEqual([20, 40].flatMap((later) => first.map((minute) => minute + later)))
    },
  )

  it('energy never falls and is the integral of power', async () => {
    const times = over(noonMs, noonMs + 6 * hourMs, 1_000)
    const energy = await valuesOf('energy', times)
    const power = await valuesOf('power', times)
    for (const [n, value] of energy.slice(1).entries()) expect(value).toBeGreaterThanOrEqual(energy[n]!)
    const integral = power.reduce((sum, watts) => sum + watts, 0) / 3_600
    expect(energy.at(-1)! - energy[0]!).toBeGreaterThan(0.98 * integral)
    expect(energy.at(-1)! - energy[0]!).toBeLessThan(1.02 * integral)
  })

  it('power has the duty cycle of the place', async () => {
    const power = await valuesOf('power', over(noonMs, noonMs + 2 * dayMs, 5_000), { duty: 0.25 })
    expect(power.filter((watts) => watts > 500).length / power.length).toBeCloseTo(0.25, 1)
  })

  it('a battery drains, and a door is open or shut', async () => {
    const [now, later] = await valuesOf('battery', [noonMs, noonMs + 20 * dayMs])
    expect(later! < now! || later! > 90).toBe(true)
    const door = new Set(await valuesOf('door', over(noonMs, noonMs + 4 * hourMs, 1_000), { people: 10 }))
    expect([...door].sort()).toEqual([0, 1])
  })

  it('vibration is quiet between bursts, and light is dark at night', async () => {
    const vibration = await valuesOf('vibration', over(noonMs, noonMs + 2 * hourMs, 1_000))
    expect(vibration.filter((value) => value < 0.8).length).toBeGreaterThan(vibration.length / 2)
    expect(Math.max(...vibration)).toBeGreaterThan(4)
    expect(await valuesOf('light', [noonMs - 10 * hourMs], { outdoors: true })).toEqual([0])
  })

  it('the host sensor reads this machine', async () => {
    const host = await sensor('host')
    expect(host.measured).toBe(true)
    expect(host.metrics).toEqual(expect.arrayContaining(['load', 'memory', 'uptime']))
    const memory = host.read(noonMs, host.metrics.indexOf('memory'))
    expect(memory).toBeGreaterThan(0)
    expect(memory).toBeLessThan(100)
  })
})
