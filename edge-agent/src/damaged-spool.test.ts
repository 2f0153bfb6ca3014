import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StatusBody } from '@millrace/contracts'
import { until } from '@millrace/pipeline/testing'
import { createMqttLink } from '@millrace/transports'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Bench } from './testing/fixture.ts'

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

it('an agent whose spool is damaged starts with a new one, and the cloud is told why', async () => {
  const { port } = await bench.broker()
  const dataDir = await bench.folder()
  const before = await bench.agent({ dataDir, cloudPort: port })
  const { name } = before.pipeline.spool
  await before.stop()
  await writeFile(join(dataDir, 'spool.db'), 'no database')
  const told: StatusBody[] = []
  const cloud = createMqttLink({ url: `mqtt://127.0.0.1:${port}`, clientId: 'cloud' })
  bench.onClose(() => cloud.stop())
  cloud.subscribe(['millrace/v1/hall/edge-1/status'], ({ body }) => told.push(JSON.parse(Buffer.from(body).toString())))
  await cloud.start()
  const after = await bench.agent({ dataDir, cloudPort: port })
  expect(after.pipeline.spool.name).not.toBe(name)
  await until(() => told.some(({ spool }) => spool?.movedAside === 'it is not a database'), { withinMs: 20_000 })
})
