import { afterEach, expect, it } from 'vitest'
import type { Delivery, Message, Source } from '../src/stages.ts'

/** A transport with both its ends, as a contract suite needs them. */
export interface TransportUnderTest {
  source: Source
  /** Publishes with QoS 1 on the far side, each call perhaps as another sender; resolves when the transport has acknowledged every message. */
  send(messages: readonly Message[]): Promise<void>
  /** A receiver for the same far side, as after a restart of the one before. */
  reopen(): Promise<Source>
  close(): Promise<void>
}

export interface TransportExemptions {
  /** Why a sender may be acknowledged before the receiver acknowledges. */
  senderAcknowledgedEarly?: string
}

const withinMs = 10_000

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`did not happen within ${withinMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

const text = (message: Message): string => Buffer.from(message.body).toString()

function messages(from: number, to: number): Message[] {
  return Array.from({ length: to - from }, (_, n) => ({ topic: 'telemetry/s/d', body: Buffer.from(String(from + n)) }))
}

/** Keeps what a source hands on. */
class Receiver {
  readonly deliveries: Delivery[] = []
  onDelivery: (delivery: Delivery) => void = () => undefined

  readonly receive = (delivery: Delivery): void => {
    this.deliveries.push(delivery)
    this.onDelivery(delivery)
  }

  get texts(): string[] {
    return this.deliveries.flatMap((delivery) => delivery.messages.map(text))
  }
}

/** What every transport must do, whatever is behind it. Exemptions carry their reason. */
export function testTransport(open: () => Promise<TransportUnderTest>, exemptions: TransportExemptions = {}): void {
  const cleanups: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })

  async function start(): Promise<{ transport: TransportUnderTest; receiver: Receiver }> {
    const transport = await open()
    cleanups.push(() => transport.close())
    const receiver = new Receiver()
    await begin(transport.source, receiver)
    return { transport, receiver }
  }

  async function begin(source: Source, receiver: Receiver): Promise<void> {
    cleanups.push(() => source.stop())
    await source.start(receiver.receive)
  }

  it('delivers in order, byte for byte, each message with its arrival', async () => {
    const { transport, receiver } = await start()
    receiver.onDelivery = (delivery) => delivery.ack()
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    const large = new Uint8Array(200_000).fill(7)
    await transport.send([...messages(0, 300), { topic: 'telemetry/s/d/m', body: all }, { topic: 't', body: large }])
    await until(() => receiver.texts.length === 302)
    const received = receiver.deliveries.flatMap((delivery) => delivery.messages)
    expect(received.slice(0, 300).map(text)).toEqual(messages(0, 300).map(text))
    expect(received[300]!.topic).toBe('telemetry/s/d/m')
    expect(Buffer.from(all).equals(received[300]!.body)).toBe(true)
    expect(received[301]!.body.length).toBe(large.length)
    for (const delivery of receiver.deliveries) {
      expect(delivery.arrivals.length).toBe(delivery.messages.length)
      expect(delivery.arrivals.every((at) => Number.isFinite(at))).toBe(true)
    }
  })

  it('hands on more while earlier deliveries are unacknowledged, and takes acknowledgements in any order', async () => {
    const { transport, receiver } = await start()
    const first = transport.send(messages(0, 3))
    await until(() => receiver.texts.length === 3)
    const second = transport.send(messages(3, 5))
    await until(() => receiver.texts.length === 5)
    for (const delivery of [...receiver.deliveries].reverse()) delivery.ack()
    await Promise.all([first, second])
    expect(receiver.texts).toEqual(['0', '1', '2', '3', '4'])
  })

  if (exemptions.senderAcknowledgedEarly === undefined) {
    it('keeps the sender waiting until its message is acknowledged', async () => {
      const { transport, receiver } = await start()
      let done = false
      const sent = transport.send(messages(0, 1)).then(() => {
        done = true
      })
      await until(() => receiver.deliveries.length === 1)
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect(done).toBe(false)
      receiver.deliveries[0]!.ack()
      await sent
    })
  }

  it('delivers again, after a restart, exactly what was not acknowledged', async () => {
    const { transport, receiver } = await start()
    const first = transport.send(messages(0, 2))
    await until(() => receiver.texts.length === 2)
    for (const delivery of receiver.deliveries) delivery.ack()
    await first
    const second = transport.send(messages(2, 4))
    await until(() => receiver.texts.length === 4)
    await transport.source.stop()
    for (const delivery of receiver.deliveries) delivery.ack()
    const next = new Receiver()
    next.onDelivery = (delivery) => delivery.ack()
    await begin(await transport.reopen(), next)
    await second
    await until(() => next.texts.length >= 2)
    expect(next.texts).toEqual(['2', '3'])
  })

  it('delivers a refused message again later, and the sender is acknowledged only then', async () => {
    const { transport, receiver } = await start()
    let refusals = 0
    receiver.onDelivery = (delivery) => {
      if (refusals < 2) {
        refusals++
        delivery.refuse('no room')
      } else delivery.ack()
    }
    await transport.send(messages(0, 1))
    await until(() => receiver.texts.length === 3)
    expect(receiver.texts).toEqual(['0', '0', '0'])
  })

  it('takes a second acknowledgement and one after the stop without effect', async () => {
    const { transport, receiver } = await start()
    receiver.onDelivery = (delivery) => delivery.ack()
    await transport.send(messages(0, 2))
    await until(() => receiver.texts.length === 2)
    await transport.source.stop()
    for (const delivery of receiver.deliveries) {
      delivery.ack()
      delivery.refuse('too late')
    }
    expect(receiver.texts).toEqual(['0', '1'])
  })

  it('stops without start, and twice', async () => {
    const transport = await open()
    cleanups.push(() => transport.close())
    await transport.source.stop()
    await transport.source.stop()
  })
}
