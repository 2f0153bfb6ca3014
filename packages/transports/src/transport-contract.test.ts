import { testTransport } from '@millrace/pipeline/testing'
import { describe } from 'vitest'
import { openBrokerTransport, openMqttTransport } from '../testing/under-test.ts'
import { createMemoryTransport } from './memory/index.ts'
import { createBroker } from './mqtt/index.ts'

describe('memory', () =>
  testTransport(async () => {
    const { source, send } = createMemoryTransport()
    return { source: source(), send, reopen: async () => source(), close: async () => undefined }
  }))

describe('broker', () => testTransport(openBrokerTransport))

describe('mqtt, by way of an aedes broker', () =>
  testTransport(
    async () => {
      const broker = await createBroker({ host: '127.0.0.1', port: 0, persistentSessions: true })
      const { port } = await broker.listen()
      return openMqttTransport(`mqtt://127.0.0.1:${port}`, () => broker.close())
    },
    { senderAcknowledgedEarly: 'the broker in between acknowledges and keeps the message' },
  ))
