import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testTransport } from '@millrace/pipeline/testing'
import { afterAll, beforeAll, describe } from 'vitest'
import { startMosquitto } from '../testing/mosquitto.ts'
import { openMqttTransport } from '../testing/under-test.ts'

describe('mqtt, by way of Mosquitto', () => {
  let mosquitto: Awaited<ReturnType<typeof startMosquitto>>
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-mosquitto-'))
    mosquitto = await startMosquitto(folder, [
      'allow_anonymous true',
      'max_inflight_messages 1000',
      'max_queued_messages 0',
    ])
  })

  afterAll(async () => {
    await mosquitto.stop()
    await rm(folder, { recursive: true })
  })

  testTransport(() => openMqttTransport(`mqtt://127.0.0.1:${mosquitto.port}`, async () => undefined), {
    senderAcknowledgedEarly: 'the broker in between acknowledges and keeps the message',
  })
})
