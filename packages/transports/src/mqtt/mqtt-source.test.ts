import { type Delivery, silentLogger, systemClock } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { expect, it } from 'vitest'
import { createBroker } from './broker.ts'
import { mqttSource } from './mqtt-source.ts'

it('a source hears devices only while its broker is reached', async () => {
  const first = await createBroker({ host: '127.0.0.1', port: 0 })
  const { port } = await first.listen()
  const settings = mqttSource.settings.parse({ url: `mqtt://127.0.0.1:${port}` })
  const source = await mqttSource.create(settings, { clock: systemClock, log: silentLogger })
  expect(source.hears?.()).toBe(false)
  await source.start(() => undefined)
  await until(() => source.hears?.() === true, { withinMs: 10_000 })
  await first.close()
  await until(() => source.hears?.() === false, { withinMs: 10_000 })
  const second = await createBroker({ host: '127.0.0.1', port })
  await second.listen()
  await until(() => source.hears?.() === true, { withinMs: 20_000 })
  await source.stop()
  expect(source.hears?.()).toBe(false)
  await second.close()
})

it('a source holds no more than it has memory for: neither small messages, nor those of a connection that has ended', async () => {
  const held: Delivery[] = []
  const [count, most] = [{ taken: 0, waiting: 0, mostWaiting: 0 }, 10_000 / 256]
  const take = (delivery: Delivery) => {
    held.push(delivery)
    count.taken += delivery.messages.length
    count.waiting += delivery.messages.length
    count.mostWaiting = Math.max(count.mostWaiting, count.waiting)
  }
  const first = await createBroker({ host: '127.0.0.1', port: 0 })
  const { port } = await first.listen()
  const settings = mqttSource.settings.parse({ url: `mqtt://127.0.0.1:${port}`, maxHeldBytes: 10_000 })
  const source = await mqttSource.create(settings, { clock: systemClock, log: silentLogger })
  const publish = async (broker: typeof first) => {
    await until(() => source.hears?.() === true, { withinMs: 20_000 })
    await until(async () => {
      await broker.publish({ topic: 'telemetry/s/d', body: new Uint8Array(0) })
      return count.taken > 0
    })
    for (let n = 0; n < 100; n++) await broker.publish({ topic: 'telemetry/s/d', body: new Uint8Array(0) })
  }
  await source.start(take)
  await publish(first)
  await until(() => count.waiting > most - 10)
  await first.close()
  await until(() => source.hears?.() === false, { withinMs: 10_000 })
  count.taken = 0
  const second = await createBroker({ host: '127.0.0.1', port })
  await second.listen()
  await publish(second)
  while (count.taken < 100) {
    await until(() => held.length > 0)
    const delivery = held.shift()!
    count.waiting -= delivery.messages.length
    delivery.ack()
  }
  expect(count.mostWaiting).toBeLessThanOrEqual(most + 2)
  await source.stop()
  await second.close()
})
