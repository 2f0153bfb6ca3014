import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { afterEach, expect, it, vi } from 'vitest'
import { connectPacket, publishPacket } from '../../testing/raw-client.ts'
import { FrameGuard } from './frame-guard.ts'
import { IntakeValve } from './intake-valve.ts'
import { Quota, quotaSchema } from './quota.ts'

const senders: Sender[] = []
afterEach(() => {
  for (const sender of senders.splice(0)) sender.end()
  vi.useRealTimers()
})

let clockMs = 0

function quotaOf(when: 'always' | 'crowded' = 'always'): Quota {
  clockMs = 0
  return new Quota(quotaSchema.parse({ messagesPerSecond: 10, burst: 100, when }), () => clockMs)
}

const ping = { cmd: 'pingreq' } as Packet
const publish = publishPacket('telemetry/s/d')
const bytesOf = (packet: Packet, times: number) => Buffer.concat(Array(times).fill(mqttPacket.generate(packet)))

/** A connection of the device d1, as its valve sees it. */
class Sender {
  readonly #socket = Object.assign(new EventEmitter(), {
    destroyed: false,
    readableLength: 0,
    read: (size?: number): Buffer | null => this.#take(size),
  })
  readonly #valve: IntakeValve
  #waiting: Buffer = Buffer.alloc(0)
  bytesTaken = 0

  constructor(quota: Quota) {
    this.#valve = new IntakeValve(this.#socket as unknown as Socket, new FrameGuard(10_000), quota)
    this.#valve.attach(() => undefined)
    this.#valve.keepalive(60)
    this.send(connectPacket(), 1)
    senders.push(this)
  }

  identified(): this {
    this.#valve.identify('d1', 'd1', true)
    return this
  }

  send(packet: Packet, times: number): this {
    this.#waiting = Buffer.concat([this.#waiting, bytesOf(packet, times)])
    this.#arrive()
    return this
  }

  /** Reads whenever it may, as aedes does. */
  follow(): this {
    this.#socket.on('readable', () => this.read())
    this.read()
    return this
  }

  /** What aedes is given when it asks. */
  read(): Buffer | null {
    return this.#socket.read()
  }

  end(): void {
    this.#socket.destroyed = true
    this.#socket.emit('close')
  }

  /** A socket reads so much ahead. */
  #arrive(): void {
    this.#socket.readableLength = Math.min(65_536, this.#waiting.length)
  }

  #take(size = this.#socket.readableLength): Buffer | null {
    const taken = this.#waiting.subarray(0, size)
    this.#waiting = this.#waiting.subarray(size)
    this.bytesTaken += taken.length
    this.#arrive()
    return taken.length > 0 ? taken : null
  }
}

it('connections of one device share its quota however long they were silent before', () => {
  const quota = quotaOf()
  const first = new Sender(quota).identified()
  first.read()
  clockMs = 20_000
  first.send(publish, 1).read()
  const second = new Sender(quota).identified()
  first.send(publish, 200).read()
  expect(second.send(publish, 1).read()).toBeNull()
})

it('what comes with the CONNECT, before it is known whose it is, counts too', () => {
  const quota = quotaOf()
  const sender = new Sender(quota).send(publish, 200)
  expect(sender.read()).not.toBeNull()
  sender.identified()
  expect(sender.send(publish, 1).read()).toBeNull()
})

it('a connection that has ended waits for nothing, also where one of its publishes is settled afterwards', () => {
  const quota = quotaOf()
  const sender = new Sender(quota).identified().send(publish, 200)
  sender.read()
  sender.end()
  sender.send(publish, 1).read()
  expect({ waiting: quota.state().waiting, watchers: quota.watchers }).toEqual({ waiting: [], watchers: 0 })
})

it('pings and subscriptions count like publishes, and those of others make no crowd', () => {
  const subscribe = { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 0 }] } as Packet
  for (const packet of [ping, subscribe]) {
    const sender = new Sender(quotaOf()).identified().send(packet, 200)
    sender.read()
    expect(sender.send(packet, 1).read()).toBeNull()
  }
  const quota = quotaOf('crowded')
  const flood = new Sender(quota).identified().send(publish, 200)
  flood.read()
  const idle = new Sender(quota)
  idle.send(ping, 1).read()
  expect(flood.send(publish, 1).read()).not.toBeNull()
})

it('fifty connections bring a device no more than one', () => {
  vi.useFakeTimers()
  const quota = new Quota(quotaSchema.parse({ messagesPerSecond: 100, burst: 100, when: 'always' }), () => Date.now())
  const all = Array.from({ length: 50 }, () => new Sender(quota).identified().send(publish, 20_000).follow())
  vi.advanceTimersByTime(300_000)
  const bytes = all.reduce((sum, { bytesTaken }) => sum + bytesTaken, 0)
  const atOnce = 65_536 / bytesOf(publish, 1).length
  expect(bytes / bytesOf(publish, 1).length - atOnce).toBeLessThan(1.3 * 100 * 300)
})
