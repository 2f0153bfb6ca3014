import { type Delivery, silentLogger, systemClock } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { brokerSource } from './broker-source.ts'
import { createMqttLink, type MqttLink } from './link.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function open(receive: (delivery: Delivery) => void, settings: object = {}): Promise<string> {
  let port = 0
  const listening = (address: { port: number }): void => {
    port = address.port
  }
  const context = { clock: systemClock, log: silentLogger, listening }
  const source = await brokerSource.create(brokerSource.settings.parse({ port: 0, ...settings }), context)
  stops.push(() => source.stop())
  await source.start(receive)
  return `mqtt://127.0.0.1:${port}`
}

async function device(url: string, clientId: string): Promise<MqttLink> {
  const link = createMqttLink({ url, clientId })
  stops.push(() => link.stop())
  await link.start()
  await until(() => link.connected || link.lastError !== null)
  return link
}

const body = (size: number): Uint8Array => new Uint8Array(size)

describe('brokerSource', () => {
  it('puts what arrives together into one delivery', async () => {
    const sizes: number[] = []
    const url = await open((delivery) => {
      sizes.push(delivery.messages.length)
      delivery.ack()
    })
    const link = await device(url, 'd')
    await Promise.all(Array.from({ length: 400 }, () => link.publish({ topic: 'telemetry/s/d', body: body(80) })))
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(400)
    expect(sizes.length).toBeLessThan(40)
  })

  it('publishes for its own process past the gate, and keeps what is retained for later subscribers', async () => {
    let delivered = 0
    let port = 0
    const context = {
      ...{ clock: systemClock, log: silentLogger },
      listening: (address: { port: number }) => {
        port = address.port
      },
    }
    const source = await brokerSource.create(brokerSource.settings.parse({ port: 0 }), context)
    stops.push(() => source.stop())
    const message = { topic: 'alerts/hall/warm', body: Buffer.from('on'), retain: true }
    await expect(source.publish?.(message)).rejects.toThrow('does not listen')
    await source.start(() => delivered++)
    await source.publish?.(message)
    const link = await device(`mqtt://127.0.0.1:${port}`, 'lamp')
    const seen: string[] = []
    link.subscribe(['alerts/#'], ({ body: bytes }) => seen.push(Buffer.from(bytes).toString()))
    await until(() => seen.length === 1)
    await source.publish?.({ ...message, body: Buffer.from('off') })
    await until(() => seen.length === 2)
    expect({ seen, delivered }).toEqual({ seen: ['on', 'off'], delivered: 0 })
  })

  it('refuses CONNECT while it refuses, with growing delays, and resumes by itself', async () => {
    const refusedAt: number[] = []
    let full = true
    const url = await open((delivery) => {
      if (!full) return delivery.ack()
      refusedAt.push(performance.now())
      delivery.refuse('no room')
    })
    const link = await device(url, 'd')
    const sent = link.publish({ topic: 'telemetry/s/d', body: body(80) })
    await until(() => refusedAt.length === 1)
    const other = await device(url, 'other')
    expect(other.connected).toBe(false)
    await until(() => refusedAt.length === 4)
    full = false
    await sent
    await until(() => other.connected)
    const gaps = refusedAt.slice(1).map((at, n) => at - refusedAt[n]!)
    for (const [n, gap] of gaps.entries()) expect(gap).toBeGreaterThanOrEqual(100 * 2 ** n)
  })

  it('names the setting whose file cannot be read', async () => {
    const receive = (): void => undefined
    await expect(open(receive, { credentialsFile: '/nowhere' })).rejects.toMatchObject({
      code: 'secret-unreadable',
      problems: [{ path: 'collect.credentialsFile' }],
    })
    await expect(open(receive, { cert: '/nowhere', key: '/nowhere' })).rejects.toMatchObject({
      problems: [{ path: 'collect.cert' }],
    })
  })

  it('holds no more messages without a body than it has memory for', async () => {
    const url = await open(() => undefined, { maxHeldBytes: 10_000 })
    const link = await device(url, 'd')
    for (let n = 0; n < 100; n++) link.publish({ topic: 'telemetry/s/d', body: body(0) }).catch(() => undefined)
    await until(() => !link.connected)
  })

  it('ends connections beyond the bytes it may hold, and takes their messages when there is room', async () => {
    const held: Delivery[] = []
    const url = await open((delivery) => held.push(delivery), { maxHeldBytes: 10_000 })
    const first = await device(url, 'first')
    const a = first.publish({ topic: 'telemetry/s/a', body: body(9_000) })
    await until(() => held.length === 1)
    const second = await device(url, 'second')
    const b = second.publish({ topic: 'telemetry/s/b', body: body(9_000) })
    await until(() => !second.connected)
    expect(held.length).toBe(1)
    held[0]!.ack()
    await a
    await until(() => held.length === 2)
    held[1]!.ack()
    await b
  })
})
