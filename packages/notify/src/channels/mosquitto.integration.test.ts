import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { createMqttLink } from '@millrace/transports'
import { expect, test } from 'vitest'
import { startMosquitto } from '../../../transports/testing/mosquitto.ts'
import { alertOf, cleared } from '../../testing/alerts.ts'
import { noticeOf } from '../../testing/notices.ts'
import { channels } from './index.ts'

test('an actuator that comes late reads from Mosquitto what is active and what is cleared', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'notify-mosquitto-'))
  const { port, stop } = await startMosquitto(folder, ['allow_anonymous true'])
  const url = `mqtt://127.0.0.1:${port}`
  const settings = channels.schema.parse({ type: 'mqtt', name: 'fans', url })
  const context = { name: 'fans', evaluator: 'pi', log: silentLogger, stateAgain: () => undefined }
  const channel = await channels.create(settings, context)
  const signal = new AbortController().signal
  const [on, off] = [alertOf({ device: 'on' }), alertOf({ device: 'off', metric: null })]
  await channel.send(noticeOf('k.fans.1', [on, off]), signal)
  await channel.send(noticeOf('k.fans.2', [cleared(off)]), signal)
  await channel.close()

  const states = new Map<string, unknown>()
  const actuator = createMqttLink({ url, clientId: 'actuator' })
  actuator.subscribe(['millrace/v1/+/alerts/#'], ({ topic, body }) => {
    states.set(topic, JSON.parse(Buffer.from(body).toString()))
  })
  await actuator.start()
  await until(() => states.size === 2)
  expect(states.get('millrace/v1/s/alerts/warm/on/temperature')).toMatchObject({ v: 1, state: 'active', alert: on })
  expect(states.get('millrace/v1/s/alerts/warm/off/-')).toMatchObject({ v: 1, state: 'cleared', key: `${off.id}#1` })
  await actuator.stop()
  await stop()
  rmSync(folder, { recursive: true })
})
