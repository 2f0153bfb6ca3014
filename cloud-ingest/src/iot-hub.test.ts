import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Hub, HubIngest, summaries } from './testing/hub.ts'
import { minuteMs, noon } from './testing/rows.ts'

let hub: Hub
const cleanups: (() => Promise<unknown>)[] = []
beforeEach(async () => {
  hub = await new Hub().start()
  cleanups.push(() => hub.end())
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function ingestOf(options: ConstructorParameters<typeof HubIngest>[1] = {}): Promise<HubIngest> {
  const ingest = await new HubIngest(hub.connectionString(), options).start()
  cleanups.push(() => ingest.end())
  return ingest
}

const body = (seq: number) =>
  summaries({ seq, rows: [{ start: noon + seq * minuteMs }], sent: { pump: (seq + 1) * 3 } })

test('what agents sent before the first start is read, and what they send after', async () => {
  await hub.events.append([body(0), body(1)])
  const ingest = await ingestOf()
  await ingest.held(6)
  await hub.events.append([body(2)])
  const { total } = await ingest.held(9)
  expect(total).toMatchObject({ held: 9, mismatch: 0, deadLetters: 0, missingUpstream: 0 })
  await until(async () => (await ingest.reasons()).length === 0, { label: 'ready' })
}, 60_000)
