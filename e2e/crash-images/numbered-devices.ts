import { setTimeout as delay } from 'node:timers/promises'
import { connectAsync, type MqttClient } from 'mqtt'
import { seededRandom } from '../../edge-agent/src/testing/seeded-random.ts'

/** A reading whose value is its identity: no two of a run are equal. */
export interface IssuedReading {
  id: number
  site: string
  device: string
  metric: string
  ts: number
  seq: number
}

/** What was published under a number of its own, which its PUBACK carries; a poisoned one holds no readings. */
export interface IssuedMessage {
  id: number
  site: string
  device: string
  readings: IssuedReading[]
}

type DeviceName = Pick<IssuedReading, 'site' | 'device'>

export interface DevicesOptions {
  port: number
  devices: number
  /** Between two messages of a device, ms on average. */
  pauseMs: number
  seed: number
}

const sites = ['hall', 'yard', 'roof']
const metrics = ['m1', 'm2']
const stepMs = 400
const lateByMs = 45_000
/** A packet's number has two bytes. */
const mostMessages = 65_535

/** Devices that keep each message until its PUBACK, and number all messages of the run in one sequence. */
export class NumberedDevices {
  readonly issued: IssuedMessage[] = []
  acknowledged = 0
  readonly #options: DevicesOptions
  readonly #chance: () => number
  readonly #stopping = new AbortController()
  readonly #stopped = new Promise((_resolve, reject) => this.#stopping.signal.addEventListener('abort', reject))
  readonly #clients: MqttClient[] = []
  #running: Promise<void>[] = []
  #readings = 0
  readonly #beginMs = Math.floor((Date.now() - 3 * 3_600_000) / 60_000) * 60_000

  constructor(options: DevicesOptions) {
    this.#options = options
    this.#chance = seededRandom(options.seed)
    this.#stopped.catch(() => undefined)
  }

  async start(): Promise<void> {
    for (let index = 0; index < this.#options.devices; index++) {
      const device = { site: sites[index % sites.length]!, device: `d${index}` }
      const client = await this.#connect(device.device)
      this.#clients.push(client)
      this.#running.push(this.#publish(client, device))
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#running)
    await Promise.all(this.#clients.map((client) => client.endAsync(true)))
  }

  async #connect(device: string): Promise<MqttClient> {
    let id = 0
    // A device has one message under way, so the number of the newest message issued for it is the next one asked for.
    const allocate = () => {
      id = this.issued.findLast((message) => message.device === device)!.id
      return id
    }
    const messageIdProvider = {
      allocate,
      getLastAllocated: () => id,
      register: () => true,
      deallocate() {},
      clear() {},
    }
    const client = await connectAsync({
      ...{ host: '127.0.0.1', port: this.#options.port, clientId: `device-${device}`, clean: false },
      ...{ reconnectPeriod: 100, connectTimeout: 20_000, messageIdProvider },
    })
    client.on('error', () => undefined)
    return client
  }

  async #publish(client: MqttClient, name: DeviceName): Promise<void> {
    for (let seq = 0; !this.#stopping.signal.aborted && this.issued.length < mostMessages; ) {
      const poisoned = this.#chance() < 0.02
      const objects = poisoned ? 0 : 1 + Math.floor(this.#chance() * 4)
      const readings = Array.from({ length: objects }, (_, index) => this.#object(name, seq + index)).flat()
      seq += objects
      this.issued.push({ id: this.issued.length + 1, ...name, readings })
      const body = poisoned ? '{"ts": broken' : JSON.stringify(bodyOf(readings))
      try {
        await this.#orStop(client.publishAsync(`telemetry/${name.site}/${name.device}`, body, { qos: 1 }))
        this.acknowledged++
        await delay(this.#chance() * 2 * this.#options.pauseMs, undefined, { signal: this.#stopping.signal })
      } catch (error) {
        if (!this.#stopping.signal.aborted) throw error
      }
    }
  }

  /** A client that was ended by force answers no more. */
  async #orStop(work: Promise<unknown>): Promise<void> {
    await Promise.race([work, this.#stopped])
  }

  #object(name: DeviceName, seq: number): IssuedReading[] {
    const late = this.#chance() < 0.05 ? Math.floor(this.#chance() * lateByMs) : 0
    const ts = this.#beginMs + seq * stepMs - late
    return metrics.map((metric) => ({ id: ++this.#readings, ...name, metric, ts, seq }))
  }
}

function bodyOf(readings: readonly IssuedReading[]) {
  const bySeq = Map.groupBy(readings, ({ seq }) => seq)
  return [...bySeq].map(([seq, some]) => {
    return {
      ts: some[0]!.ts,
      seq,
      boot: 'b1',
      readings: Object.fromEntries(some.map(({ metric, id }) => [metric, id])),
    }
  })
}
