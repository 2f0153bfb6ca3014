import { connectAsync, type MqttClient } from 'mqtt'
import { seededRandom } from '../../edge-agent/src/testing/seeded-random.ts'
import { type Broker, createBroker } from '../../packages/transports/src/index.ts'

/** A message as it came from the agent for the first time, and when. */
export interface Arrived {
  site: string
  seq: number
  atMs: number
  bytes: Buffer
}

export interface GivenReceipt {
  site: string
  atMs: number
  upTo: number
}

const now = () => performance.timeOrigin + performance.now()

/** The broker in the cloud and whoever gives receipts there: late, and not for everything. */
export class FarSide {
  readonly arrived: Arrived[] = []
  readonly receipts: GivenReceipt[] = []
  /** Messages that came again with other bytes. */
  readonly conflicts: string[] = []
  readonly #chance: () => number
  readonly #timers = new Set<NodeJS.Timeout>()
  #broker: Broker | undefined
  #client: MqttClient | undefined
  port = 0

  constructor(seed: number) {
    this.#chance = seededRandom(seed)
  }

  async start(): Promise<this> {
    this.#broker = await createBroker({ host: '127.0.0.1', port: 0 })
    this.port = (await this.#broker.listen()).port
    this.#client = await connectAsync({ host: '127.0.0.1', port: this.port })
    this.#client.on('message', (topic, body) => this.#take(topic, body))
    await this.#client.subscribeAsync('millrace/v1/+/+/summaries', { qos: 1 })
    return this
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer)
    await this.#client?.endAsync(true)
    await this.#broker?.close()
  }

  #take(topic: string, body: Buffer): void {
    const { site, seq, spool } = JSON.parse(body.toString()) as { site: string; seq: number; spool: string }
    const known = this.arrived.find((one) => one.site === site && one.seq === seq)
    if (known && !known.bytes.equals(body)) this.conflicts.push(`${site}/${seq}`)
    if (!known) this.arrived.push({ site, seq, atMs: now(), bytes: Buffer.from(body) })
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.#receipt(topic.replace(/[^/]+$/, 'receipt'), { site, spool })
    }, this.#chance() * 3000)
    this.#timers.add(timer)
  }

  #receipt(topic: string, { site, spool }: { site: string; spool: string }): void {
    const seqs = new Set(this.arrived.filter((one) => one.site === site).map(({ seq }) => seq))
    let upTo = -1
    while (seqs.has(upTo + 1)) upTo++
    this.receipts.push({ site, atMs: now(), upTo })
    const body = JSON.stringify({ spool, upTo, ranges: [] })
    this.#client!.publish(topic, body, { qos: 1, retain: true })
  }
}
