import { writeFileSync } from 'node:fs'
import { recordingLogger, until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Hub, HubIngest, summaries, telemetry } from './testing/hub.ts'
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

async function ingestOf(options: ConstructorParameters<typeof HubIngest>[1] = {}, from = hub.connectionString()) {
  const ingest = await new HubIngest(from, options).start()
  cleanups.push(() => ingest.end())
  return ingest
}

const body = (seq: number, agent = 'edge') => {
  return summaries({ seq, agent, rows: [{ start: noon + seq * minuteMs }], sent: { pump: (seq + 1) * 3 } })
}
const soon = { withinMs: 30_000 }
const reason = (ingest: HubIngest, pattern: RegExp) => {
  return until(async () => (await ingest.reasons()).some((text) => pattern.test(text)), {
    ...soon,
    label: `${pattern}`,
  })
}
const ready = (ingest: HubIngest) => {
  return until(async () => (await ingest.reasons()).length === 0, { ...soon, label: 'nothing hinders' })
}

describe('what the hub holds', () => {
  test('from before the first start is read, and so is what comes after; a start later goes on from the checkpoint', async () => {
    await hub.events.append([body(0), body(1)])
    const ingest = await ingestOf()
    await ingest.held(6)
    await hub.events.append([body(2)])
    const { total } = await ingest.held(9)
    expect(total).toMatchObject({ held: 9, mismatch: 0, deadLetters: 0, missingUpstream: 0 })
    await ready(ingest)
    await ingest.stop()
    await hub.events.append([body(3)])
    await ingest.start()
    await ingest.held(12)
    const metrics = String(await ingest.get('/metrics'))
    expect(metrics).toMatch(/messages_total\{kind="spooled"\} 1\n/)
    expect(await ingest.rows()).toHaveLength(4)
  })

  test('is read again from the start where checkpoints are lost, and changes nothing, dead letters included', async () => {
    await hub.events.append([
      body(0),
      telemetry('edge', 'not json'),
      body(1),
      telemetry('edge', { readings: { a: 1 } }),
      telemetry('edge', { readings: { a: 2 } }),
    ])
    const log = recordingLogger()
    const ingest = await ingestOf({ log })
    await ingest.held(6)
    const counts = { 'bad-json': 1, 'direct-device': 2 }
    await until(async () => (await ingest.deadLetters())['direct-device'] === 2, soon)
    expect(await ingest.deadLetters()).toEqual(counts)
    expect(log.lines.filter(({ message }) => message.includes('docs/iot-hub-direct.md'))).toHaveLength(1)
    await ingest.stop()
    const other = await ingestOf()
    await other.stop()
    other.takeOver(ingest)
    await other.start()
    await hub.events.append([body(2)])
    const { total } = await other.held(9)
    expect(total).toMatchObject({ held: 9, deadLetters: 3, mismatch: 0 })
    expect(await other.deadLetters()).toEqual(counts)
  })

  test('of a hub that was made anew under the old name is read from its start', async () => {
    const ingest = await ingestOf()
    await hub.events.append([body(0), body(1), body(2)])
    await ingest.held(9)
    await ingest.stop()
    await hub.end()
    await hub.start()
    await hub.events.append([body(3)])
    writeFileSync(ingest.secretFile, hub.connectionString())
    await ingest.start()
    expect((await ingest.held(12)).total).toMatchObject({ held: 12, missingUpstream: 0 })
  })

  test('comes again after the hub was away, without a new start', async () => {
    const ingest = await ingestOf()
    await hub.events.append([body(0)])
    await ingest.held(3)
    await hub.stop()
    await reason(ingest, /no connection to millrace at .*collect\.connectionStringFile/)
    await hub.start()
    await hub.events.append([body(1)])
    await ingest.held(6)
    await ready(ingest)
  })
})

describe('the name of an agent', () => {
  test('is the one that the hub stamps: a body in another name is set aside and counted', async () => {
    const ingest = await ingestOf()
    const forged = { ...body(0, 'edge'), annotations: { 'iothub-connection-device-id': 'thief' } }
    const nobody = { ...body(1, 'edge'), annotations: {} }
    await hub.events.append([forged, nobody, body(0, 'other')])
    const { total } = await ingest.held(3)
    await until(async () => (await ingest.deadLetters()).identity === 2, soon)
    expect(total.held).toBe(3)
  })

  test("is the sender's word at an event hub without devices, where the settings say so", async () => {
    const plain = await hub.core.events.open('readings', 2)
    await plain.append([
      { ...body(0), annotations: {} },
      { ...body(1), annotations: {}, properties: { kind: 'summaries' } },
    ])
    const ingest = await ingestOf({ collect: { identity: 'sender' } }, hub.connectionString('readings'))
    await ingest.held(3)
    await until(async () => (await ingest.deadLetters())['bad-shape'] === 1, soon)
  })
})

describe('what hinders reading names its setting, and ends when it is put right', () => {
  test('a wrong key', async () => {
    const wrong = hub.connectionString().replace(/SharedAccessKey=[^;]+/, `SharedAccessKey=${'A'.repeat(43)}=`)
    const ingest = await ingestOf({}, wrong)
    await reason(ingest, /refused for millrace.*collect\.connectionStringFile/)
  })

  test('an event hub that is not there, until it is', async () => {
    const ingest = await ingestOf({}, hub.connectionString('later'))
    await reason(ingest, /has no event hub later \(EntityPath in collect\.connectionStringFile\)/)
    const later = await hub.core.events.open('later', 2)
    await later.append([body(0)])
    await ingest.held(3)
    await ready(ingest)
  })

  test('another ingest that takes the partitions of the same consumer group', async () => {
    const ingest = await ingestOf()
    await ready(ingest)
    await ingestOf()
    await reason(ingest, /another reader took partition \d of consumer group \$Default.*collect\.consumerGroup/)
  })

  test('a spool that is full keeps the events with the hub, and the checkpoint where it was', async () => {
    const ingest = await ingestOf({ maxBytes: 1024 * 1024 })
    const wide = (seq: number) => {
      const rows = Array.from({ length: 150 }, (_, index) => ({ start: noon + (seq * 150 + index) * minuteMs }))
      return summaries({ seq, rows, sent: { pump: (seq + 1) * 450 } })
    }
    const all = Array.from({ length: 60 }, (_, seq) => wide(seq))
    await hub.events.append(all)
    await reason(ingest, /spool\.maxBytes/)
    await ingest.stop()
    ingest.enlarge(256 * 1024 * 1024)
    await ingest.start()
    const { total } = await ingest.held(all.length * 450)
    expect(total).toMatchObject({ held: all.length * 450, mismatch: 0, missingUpstream: 0, deadLetters: 0 })
  })
})
