import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Device } from './testing/device.ts'
import { FakeIngest } from './testing/fake-ingest.ts'
import { Bench, freePort } from './testing/fixture.ts'
import { seededRandom } from './testing/seeded-random.ts'

const lengthMs = 10_000
const spoolBytes = 4 * 1024 * 1024
let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

it('an agent started with less room than its spool holds sends what it has, and goes on', async () => {
  const baseMs = Math.floor((Date.now() - 7_200_000) / lengthMs) * lengthMs
  const random = seededRandom(1)
  const [dataDir, killed] = [await bench.folder(), await bench.folder()]
  const settings = { cloudPort: await freePort(), windows: { amendFor: '0s' } }
  const first = await bench.agent({ ...settings, dataDir, spoolBytes })
  const device = await bench.add(new Device(`mqtt://127.0.0.1:${first.mqttPort}`, 'hall', 'd1'))
  let seq = 0
  const send = async () => {
    const readings = Object.fromEntries(Array.from({ length: 250 }, (_, metric) => [`m${metric}`, random()]))
    await device.send({ ts: baseMs + seq * lengthMs, seq: seq++, boot: 'a', readings })
  }
  const bytes = async () => (await first.reporter.status()).spool.outboxBytes
  while ((await bytes()) < spoolBytes / 2) {
    for (let times = 0; times < 10; times++) await send()
    await first.pipeline.checkpoints.run()
  }
  for (let times = 0; times < 10; times++) await send()
  // As a kill leaves it, with no page to spare.
  await cp(dataDir, killed, { recursive: true })
  await first.stop()
  const file = new DatabaseSync(join(killed, 'spool.db'))
  file.exec('VACUUM')
  file.close()

  await bench.broker(settings.cloudPort)
  const ingest = await bench.add(new FakeIngest({ url: `mqtt://127.0.0.1:${settings.cloudPort}` }))
  const agent = await bench.agent({ ...settings, dataDir: killed, spoolBytes: spoolBytes / 4 })
  const isDone = async () => {
    const { spool } = await agent.reporter.status()
    return spool.outboxMessages === 0 && !spool.full && agent.pipeline.checkpoints.problem === undefined
  }
  await until(isDone, { withinMs: 20_000, label: 'an empty outbox and room' })
  expect(ingest.balance()).toEqual([])
  expect((await agent.reporter.status()).unaccounted).toBe(0)
})
