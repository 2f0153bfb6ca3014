import { silentLogger, systemClock } from '@millrace/pipeline'
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
