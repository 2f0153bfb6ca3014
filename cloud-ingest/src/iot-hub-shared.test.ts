import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '@millrace/pipeline/testing'
import { afterEach, expect, test } from 'vitest'
import { BlobContainer } from './testing/blob-container.ts'
import { Hub, HubIngest, summaries } from './testing/hub.ts'
import { minuteMs, noon } from './testing/rows.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const agents = ['edge-1', 'edge-2', 'edge-3', 'edge-4', 'edge-5', 'edge-6']
const bodies = (seq: number) =>
  agents.map((agent, index) => {
    const rows = [{ device: agent, start: noon + seq * minuteMs }]
    return summaries({ agent, seq, rows, sent: { [agent]: (seq + 1) * 3 } }, { partition: { number: index % 2 } })
  })

test('two ingests share the partitions by Blob storage, and one goes on where the other ended', async () => {
  const container = new BlobContainer()
  const storage = await container.listen()
  const hub = await new Hub({ partitions: 2 }).start()
  cleanups.push(
    () => container.close(),
    () => hub.end(),
  )
  const ingestOf = async () => {
    const ingest = new HubIngest(hub.connectionString())
    const connectionStringFile = join(ingest.dataDir, 'storage')
    writeFileSync(connectionStringFile, storage, { mode: 0o600 })
    ingest.checkpointsIn({ type: 'blob', connectionStringFile, container: 'checkpoints' })
    await ingest.start()
    cleanups.push(() => ingest.end())
    return ingest
  }
  await hub.events.append(bodies(0))
  const first = await ingestOf()
  await first.held(agents.length * 3)
  const second = await ingestOf()
  const owners = () => {
    const owned = [...container.blobs].filter(([name]) => name.includes('/ownership/'))
    return new Set(owned.map(([, { metadata }]) => metadata.ownerid))
  }
  await until(() => owners().size === 2, { withinMs: 40_000, label: 'each has a partition' })
  await hub.events.append(bodies(1))
  const heldByBoth = async () => {
    const [one, other] = [await first.accounts(), await second.accounts()]
    return one.total.held + other.total.held >= agents.length * 6 && other.total.held > 0
  }
  await until(heldByBoth, { withinMs: 30_000, label: 'both have what is theirs' })
  await until(async () => (await first.reasons()).length + (await second.reasons()).length === 0, { withinMs: 30_000 })

  await first.stop()
  await hub.events.append(bodies(2))
  const before = (await second.accounts()).total.held
  await until(async () => (await second.accounts()).total.held >= before + agents.length * 3, { withinMs: 40_000 })
  const { total } = await second.accounts()
  expect(total).toMatchObject({ deadLetters: 0, conflicts: 0 })
})

test('a storage account that is away is named with its setting', async () => {
  const hub = await new Hub({ partitions: 2 }).start()
  cleanups.push(() => hub.end())
  const container = new BlobContainer()
  const storage = await container.listen()
  await container.close()
  const ingest = new HubIngest(hub.connectionString())
  const connectionStringFile = join(ingest.dataDir, 'storage')
  writeFileSync(connectionStringFile, storage, { mode: 0o600 })
  ingest.checkpointsIn({ type: 'blob', connectionStringFile, container: 'checkpoints' })
  await ingest.start()
  cleanups.push(() => ingest.end())
  const named = async () => (await ingest.reasons()).some((text) => text.includes('collect.checkpoints'))
  await until(named, { withinMs: 30_000, label: 'the setting is named' })
})

test('events that the hub deleted before they were read are counted, and the numbers missing are shown', async () => {
  const hub = await new Hub({ partitions: 2 }).start()
  cleanups.push(() => hub.end())
  const ingest = await new HubIngest(hub.connectionString()).start()
  cleanups.push(() => ingest.end())
  const send = (seq: number) => {
    return hub.events.append([
      summaries({ seq, rows: [{ start: noon + seq * minuteMs }], sent: { pump: seq * 3 + 3 } }),
    ])
  }
  await send(0)
  await ingest.held(3)
  await ingest.stop()
  await send(1)
  await send(2)
  await hub.forgetAll()
  await send(3)
  await ingest.start()
  const { total } = await ingest.held(6)
  expect(total).toMatchObject({ held: 6, missingUpstream: 2 })
  expect(String(await ingest.get('/metrics'))).toMatch(/hub_events_lost_total 2\n/)
})
