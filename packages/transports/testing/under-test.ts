import { type Message, type Source, systemClock } from '@millrace/pipeline'
import { recordingLogger, type TransportUnderTest, until } from '@millrace/pipeline/testing'
import { brokerSource, createMqttLink, mqttSource } from '../src/mqtt/index.ts'

let nth = 0

interface Sender {
  send(messages: readonly Message[]): Promise<void>
  stop(): Promise<void>
}

async function openSender(url: string): Promise<Sender> {
  const link = createMqttLink({ url, clientId: `sender-${nth++}` })
  await link.start()
  return {
    send: async (messages) => {
      await Promise.all(messages.map((message) => link.publish(message)))
    },
    stop: () => link.stop(),
  }
}

/** The broker source with a real client. The port is known once it listens; a receiver after a restart takes the same one. */
export async function openBrokerTransport(): Promise<TransportUnderTest> {
  let port = 0
  const senders: Sender[] = []
  const log = recordingLogger()
  const listening = (address: { port: number }): void => {
    port = address.port
  }
  const make = async (): Promise<Source> =>
    brokerSource.create(brokerSource.settings.parse({ port }), { clock: systemClock, log, listening })
  return {
    source: await make(),
    send: async (messages) => {
      // A held connection is read no further, so each call is another device.
      const sender = await openSender(`mqtt://127.0.0.1:${port}`)
      senders.push(sender)
      await sender.send(messages)
    },
    reopen: make,
    close: async () => {
      for (const sender of senders) await sender.stop()
    },
  }
}

/** The client source, beside a client that publishes to the same broker. */
export async function openMqttTransport(url: string, closeBroker: () => Promise<void>): Promise<TransportUnderTest> {
  const log = recordingLogger()
  const context = { clock: systemClock, log, clientId: `receiver-${nth++}` }
  const make = async (): Promise<Source> =>
    mqttSource.create(mqttSource.settings.parse({ url, topics: ['#'] }), context)
  const sender = await openSender(url)
  const source = await make()
  const subscribed = () => log.lines.some((line) => line.message === 'subscribed')
  return {
    source: {
      start: async (receive) => {
        await source.start(receive)
        await until(subscribed, { label: 'the subscription' })
      },
      stop: () => source.stop(),
    },
    send: sender.send,
    reopen: make,
    close: async () => {
      await sender.stop()
      await closeBroker()
    },
  }
}
