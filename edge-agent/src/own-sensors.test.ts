import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { FakeIngest } from './testing/fake-ingest.ts'
import { Bench } from './testing/fixture.ts'

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

it("readings of the machine's own sensors go through journal, windows and uplink like any other", async () => {
  const root = await bench.folder()
  const bus = join(root, 'w1')
  await mkdir(join(bus, '28-000005e2fdc3'), { recursive: true })
  const bytes = '72 01 4b 46 7f ff 0e 10 57'
  await writeFile(join(bus, '28-000005e2fdc3/w1_slave'), `${bytes} : crc=57 YES\n${bytes} t=23125\n`)
  const { port: cloudPort } = await bench.broker()
  const ingest = await bench.add(new FakeIngest({ url: `mqtt://127.0.0.1:${cloudPort}` }))
  const agent = await bench.agent({
    ...{ dataDir: await bench.folder(), cloudPort },
    windows: { length: '1s', lateness: '0ms', idle: '2s' },
    sensors: [
      { type: 'one-wire', root: bus, every: '100ms', devices: { '28-000005e2fdc3': 'boiler' } },
      { type: 'host', device: 'pi-1', every: '200ms', disk: root },
    ],
  })
  const rows = () => ingest.rowsOf('boiler').filter(({ count }) => count >= 5)
  await until(() => rows().length >= 2 && ingest.rowsOf('pi-1').length > 0, { label: 'summaries of both' })
  const [row] = rows()
  expect(row).toMatchObject({ site: 'hall', metric: 'temperature', unit: '°C', min: 23.125, max: 23.125 })
  expect(ingest.breaches).toEqual([])
  const status = await agent.reporter.status()
  expect(status.unaccounted).toBe(0)
  expect(status.sensors).toMatchObject([
    { type: 'one-wire', devices: 1, problems: [], held: 0, lost: 0 },
    { type: 'host', devices: 1 },
  ])
  expect(status.disk.commits).toBeGreaterThan(0)
})
