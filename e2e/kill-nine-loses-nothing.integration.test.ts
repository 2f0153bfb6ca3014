import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { Influxd } from './influxd.ts'
import { clean, RunningStack, temporaryFolder } from './stack.ts'

const hourMs = 3_600_000
const speed = 60
const killsOfEach = 10

let stack: RunningStack | undefined
let influxd: Influxd | undefined
afterEach(async () => {
  await stack?.remove()
  await influxd?.stop()
})

it('over an hour of event time with every perturbation and InfluxDB away in the middle, in both stores', async () => {
  influxd = await Influxd.start()
  stack = await RunningStack.start(
    temporaryFolder(),
    ...['--speed', String(speed), '--devices', '60', '--seed', '7', '--rate', '0.2', '--perturb', 'all=0.01'],
    ...['--influx', influxd.url],
  )
  const kills = Array.from({ length: killsOfEach }, () => ['agent', 'ingest', 'broker']).flat()
  for (const [index, name] of kills.entries()) {
    if (index === killsOfEach) await influxd.down()
    if (index === 2 * killsOfEach) await influxd.up()
    await delay(hourMs / speed / kills.length)
    await stack.kill(name)
  }
  await stack.endSimulator()
  for (const store of ['duckdb', 'influxdb']) {
    const verdict = await stack.verify('--wait', '--store', store)
    expect(verdict, store).toMatchObject({ ok: true, ...clean })
    expect(verdict.windows).toBeGreaterThan(5_000)
    expect(verdict.amended).toBeGreaterThan(0)
    expect(verdict.expectedSetAside).toBeGreaterThan(0)
  }
}, 600_000)
