import { silentLogger, systemClock } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { brokerSource, createMqttLink } from '@millrace/transports'
import fc from 'fast-check'
import { afterEach, expect, it } from 'vitest'
import { BatchBuilder, createDecoder } from './decode/index.ts'
import { Names } from './names.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

/** Payloads of every kind that a device should never send. */
const poison: (string | Uint8Array)[] = [
  '{"readings":{"a":',
  '{"readings":{"__proto__":1}}',
  '{"readings":{"a":1e999}}',
  '{"readings":{"a":null}}',
  '{"ts":-1e308,"readings":{"a":1}}',
  `${'['.repeat(50_000)}`,
  Uint8Array.of(0xff, 0xfe, 0x00),
  '',
  '"text"',
  `{"readings":{${Array.from({ length: 1000 }, (_, n) => `"m${n}":${n}`).join()}}}`,
]

/** A decoder behind a broker, and a device that publishes there. */
async function decoderAndDevice(clientId: string) {
  const names = new Names({ site: 's', maxSeries: 1000 })
  const columns = new BatchBuilder()
  const decoder = createDecoder({ names, columns })
  let port = 0
  const listening = (address: { port: number }): void => {
    port = address.port
  }
  const context = { clock: systemClock, log: silentLogger, listening }
  const source = await brokerSource.create(brokerSource.settings.parse({ port: 0 }), context)
  stops.push(() => source.stop())
  await source.start((delivery) => {
    for (const [at, message] of delivery.messages.entries()) decoder.decode(message, delivery.arrivals[at]!)
    delivery.ack()
  })
  const link = createMqttLink({ url: `mqtt://127.0.0.1:${port}`, clientId })
  stops.push(() => link.stop())
  await link.start()
  return { names, columns, decoder, link }
}

it('5,000 poisoned messages in a row are acknowledged and set aside, and the next good one passes', async () => {
  const { names, columns, decoder, link } = await decoderAndDevice('poisoner')
  const sent = Array.from({ length: 5_000 }, (_, n) =>
    link.publish({ topic: 'telemetry/s/d', body: Buffer.from(poison[n % poison.length]!) }),
  )
  await Promise.all(sent)
  await link.publish({ topic: 'telemetry/s/d', body: Buffer.from('{"readings":{"a":21.5}}') })
  await until(() => columns.readingCount > 0)
  const { readings, invalid } = columns.take()
  expect([readings.length, readings.value[0]]).toEqual([1, 21.5])
  expect(names.seriesCount).toBe(1)
  const letters = decoder.takeDeadLetters()
  expect(letters.length).toBe(5_000)
  const counted = invalid.reduce((sum, { count }) => sum + count, 0)
  expect(counted).toBe(letters.reduce((sum, { count }) => sum + count, 0))
  expect(counted).toBe(500 * (9 + 1000))
})

it('poison of any shape between good messages costs no good one, on the same connection', async () => {
  const { columns, link } = await decoderAndDevice('mixed')
  const json = fc.json({ maxDepth: 6 }).map((text) => Buffer.from(`{"ts":"x","readings":${text}}`))
  const shapes = fc.oneof(json, fc.uint8Array({ maxLength: 300 }), fc.string().map(Buffer.from))
  const bodies = fc.sample(shapes, 1_000)
  const sent = bodies.flatMap((body, n) => [
    link.publish({ topic: 'telemetry/s/bad', body }),
    link.publish({ topic: 'telemetry/s/good', body: Buffer.from(`{"ts":${1.7e12 + n},"readings":{"a":${n}}}`) }),
  ])
  await Promise.all(sent)
  const { readings } = columns.take()
  const good = Array.from(readings.value.subarray(0, readings.length))
  expect(good).toEqual(Array.from({ length: 1_000 }, (_, n) => n))
})
