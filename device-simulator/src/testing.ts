import { telemetryFilters } from '@millrace/contracts'
import { silentLogger } from '@millrace/pipeline'
import { createBroker, createMqttLink, type MqttLink } from '@millrace/transports'
import { type Fleet, fleetSchema } from './fleet.ts'
import type { Publisher } from './publish/index.ts'
import { publishers } from './publish/index.ts'
import { createRoom, placeSchema, type Room } from './room.ts'

export const hourMs = 3_600_000
/** A Wednesday. */
export const noonMs = Date.UTC(2026, 4, 20, 12)

export function roomOf(place: Record<string, unknown> = {}, seed = 7, t0Ms?: number): Room {
  return createRoom({ site: 's', device: 'd', seed, utcOffsetHours: 0, place: placeSchema.parse(place), t0Ms })
}

/** Three devices at two intervals, one of them without boots, one with a door that is propped open from T0 on. */
export function smallFleet(): Fleet {
  const sensors = [{ type: 'temperature' }, { type: 'humidity' }, { type: 'door', every: '2s' }]
  const place = { doorOpen: { fromStart: { after: '1s' } } }
  return fleetSchema.parse({
    sites: [
      { site: 'a', devices: [{ device: 'room', every: '1s', jitter: '200ms', sensors, place }] },
      {
        site: 'b',
        devices: [
          { device: 'quiet', every: '2s', boot: false, sensors: [{ type: 'power' }, { type: 'energy' }] },
          { device: 'deep', every: '1s', count: 4, sensors: [{ type: 'vibration' }] },
        ],
      },
    ],
  })
}

export interface Wire {
  url: string
  /** Bodies as they arrived, by topic. */
  received: { topic: string; body: Buffer }[]
  close(): Promise<void>
}

/** A broker in this process with a subscriber to everything; one that is deaf acknowledges nothing. */
export async function openWire({ onPort = 0, deaf = false } = {}): Promise<Wire> {
  const gate = ({ release }: { release(): void }) => (deaf ? undefined : release())
  const broker = await createBroker({ host: '127.0.0.1', port: onPort, gate })
  const { port } = await broker.listen()
  const url = `mqtt://127.0.0.1:${port}`
  const received: Wire['received'] = []
  const link: MqttLink = createMqttLink({ url, clientId: 'receiver' })
  const ready = new Promise<void>((resolve) => link.onConnect(resolve))
  link.subscribe([...telemetryFilters], ({ topic, body }) => received.push({ topic, body: Buffer.from(body) }))
  await link.start()
  await ready
  return {
    url,
    received,
    async close() {
      await link.stop()
      await broker.close()
    },
  }
}

export function publishersTo(url: string, count: number): Promise<Publisher[]> {
  const create = (clientId: string) => publishers.create({ type: 'mqtt', ...{ url } }, { clientId, log: silentLogger })
  return Promise.all(Array.from({ length: count }, (_none, index) => create(`devices-${index}`)))
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}

/** Objects of received bodies; those that are no JSON are left out. */
export function objectsOf(received: Wire['received']): (Record<string, unknown> & { topic: string })[] {
  return received.flatMap(({ topic, body }) => {
    try {
      const value: unknown = JSON.parse(body.toString())
      return [value].flat().map((object) => ({ ...(object as Record<string, unknown>), topic }))
    } catch {
      return []
    }
  })
}
