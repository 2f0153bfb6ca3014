import { join } from 'node:path'
import { checkConfig, loadConfig, UsageError } from '@millrace/pipeline'
import { describe, expect, it } from 'vitest'
import { planDevices } from './device-plan.ts'
import { fleetSchema } from './fleet.ts'
import { readingsAt } from './readings.ts'
import { defaultFleet } from './settings.ts'
import { noonMs, smallFleet } from './testing.ts'

describe('a fleet', () => {
  it('comes built in: three sites, a dozen devices and this machine, about 45 series', async () => {
    const fleet = await loadConfig(defaultFleet, fleetSchema)
    const plans = await planDevices(fleet, { seed: 1 })
    expect(fleet.sites).toHaveLength(3)
    expect(plans.filter(({ measured }) => !measured)).toHaveLength(12)
    expect(plans.filter(({ measured }) => measured)).toHaveLength(1)
    const series = plans.flatMap(({ sensors }) => sensors.flatMap(({ sensor }) => sensor.metrics))
    expect(series.length).toBeGreaterThanOrEqual(44)
    expect(new Set(plans.map(({ everyMs }) => everyMs))).toEqual(new Set([1_000, 2_000, 5_000, 10_000]))
  })

  it('names everything that is wrong at once, with its place and what is allowed', () => {
    const sensors = [{ type: 'temperature' }]
    const wrong = {
      sites: [
        {
          site: 'a b',
          devices: [
            { device: 'x', sensors: [{ type: 'thermometer' }] },
            { device: 'y', evry: '2s', sensors },
          ],
        },
        { site: 'c', devices: [{ device: 'z', every: 'soon', sensors }] },
      ],
    }
    const problems = problemsOf(wrong)
    const paths = problems.map(({ path }) => path).join('\n')
    expect(paths).toContain('sites[0].site')
    expect(paths).toContain('sensors[0].type')
    expect(paths).toContain('sites[1].devices[0].every')
    expect(JSON.stringify(problems)).toContain('every')
  })

  it('refuses intervals that do not fit, a type twice and a name twice', () => {
    const device = { device: 'x', every: '2s', sensors: [{ type: 'temperature' }, { type: 'humidity', every: '3s' }] }
    const twice = { device: 'y', sensors: [{ type: 'door' }, { type: 'door' }] }
    const slow = { device: 'z', every: '1s', sensors: [{ type: 'door', every: '2s' }] }
    expect(problemsOf({ sites: [{ site: 'a', devices: [device, twice, slow] }] })).toHaveLength(3)
    const same = { device: 'n', sensors: [{ type: 'door' }] }
    expect(problemsOf({ sites: [{ site: 'a', devices: [same, same] }] })).toHaveLength(1)
  })

  it('scales to a number of devices from all sites in turn, and to a rate, with names of their own', async () => {
    const names = async (devices: number) =>
      (await planDevices(smallFleet(), { seed: 1, devices, rateHz: 4 })).map(({ site, device }) => `${site}/${device}`)
    expect(await names(2)).toEqual(['a/room', 'b/quiet'])
    const many = await names(300)
    expect(new Set(many).size).toBe(300)
    expect(many).toContain('b/deep-4.50')
    const plans = await planDevices(smallFleet(), { seed: 1, rateHz: 4 })
    expect(
      plans.every(({ everyMs, sensors }) => everyMs === 250 && sensors.every(({ everyTicks }) => everyTicks === 1)),
    ).toBe(true)
  })

  it('reads rounded values at the interval of each sensor', async () => {
    const [room] = await planDevices(smallFleet(), { seed: 1 })
    const metrics = [10, 11].map((tick) => readingsAt(room!, tick, noonMs).map(([metric]) => metric))
    expect(metrics).toEqual([
      ['temperature', 'humidity', 'door'],
      ['temperature', 'humidity'],
    ])
    for (const [metric, value] of readingsAt(room!, 10, noonMs)) {
      expect(String(value)).toMatch(metric === 'temperature' ? /^-?\d+(\.\d{1,2})?$/ : /^\d+(\.\d)?$/)
    }
  })
})

function problemsOf(fleet: unknown) {
  try {
    checkConfig(fleet, fleetSchema, join('fleet.yaml'))
  } catch (error) {
    if (error instanceof UsageError) return error.problems
    throw error
  }
  return []
}
