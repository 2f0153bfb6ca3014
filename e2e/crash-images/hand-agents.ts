import { setTimeout as delay } from 'node:timers/promises'
import { connectAsync, type MqttClient } from 'mqtt'
import { minuteMs, noon, type RowSpec, summariesBody } from '../../cloud-ingest/src/testing/rows.ts'
import { seededRandom } from '../../edge-agent/src/testing/seeded-random.ts'
import { cloudTopic, type Receipt } from '../../packages/contracts/src/index.ts'

export interface IssuedRow {
  device: string
  metric: string
  start: number
  rev: number
  count: number
  sum: number
}

/** A message of an agent; its numbers count per spool. */
export interface IssuedBody {
  site: string
  agent: string
  spool: string
  seq: number
  /** When it was sent first, epoch ms. */
  atMs: number
  body: string
  rows: IssuedRow[]
}

interface Window {
  start: number
  values: number[]
  rev: number
  /** Message that holds its newest revision. */
  seq: number
}

const metric = 'temperature'
const newWindows = 4
const maxOutstanding = 6
const repeatAfterMs = 800

/** One agent's side, played by hand: messages stay until a receipt covers them, and every value is its own. */
class HandAgent {
  readonly issued: IssuedBody[] = []
  readonly outstanding = new Map<number, { body: IssuedBody; sentMs: number }>()
  readonly #name: { site: string; agent: string; spool: string }
  readonly #chance: () => number
  readonly #windows: Window[] = []
  readonly #device: string
  #sent = 0

  constructor(index: number, seed: number) {
    this.#name = { site: index % 2 === 0 ? 'north' : 'south', agent: `edge-${index}`, spool: `spool-${index}` }
    this.#device = `pump-${index}`
    this.#chance = seededRandom(seed + index)
  }

  settle({ spool, upTo, ranges }: Receipt): void {
    if (spool !== this.#name.spool) return
    const covers = (seq: number) => seq <= upTo || ranges.some(([from, to]) => seq >= from && seq <= to)
    for (const seq of this.outstanding.keys()) if (covers(seq)) this.outstanding.delete(seq)
  }

  /** Sends what is due. */
  step(publish: (topic: string, body: string) => void): void {
    const now = Date.now()
    if (this.outstanding.size < maxOutstanding) {
      const body = this.#make(now)
      this.outstanding.set(body.seq, { body, sentMs: 0 })
    }
    for (const waiting of this.outstanding.values()) {
      if (now - waiting.sentMs < repeatAfterMs) continue
      waiting.sentMs = now
      // Now and then one is lost on the way, so that receipts have gaps.
      if (this.#chance() < 0.1) continue
      publish(cloudTopic({ ...this.#name, kind: 'summaries' }), waiting.body.body)
    }
  }

  #make(atMs: number): IssuedBody {
    const seq = this.issued.length
    const specs = [...this.#fresh(seq), ...this.#amended(seq)]
    const body = JSON.stringify(
      summariesBody({ ...this.#name, seq, rows: specs, sent: { [this.#device]: this.#sent } }),
    )
    const rows = specs.map(({ values = [], rev = 0, start = 0 }) => {
      const sum = values.reduce((total, value) => total + value, 0)
      return { device: this.#device, metric, start, rev, count: values.length, sum }
    })
    const issued = { ...this.#name, seq, atMs, body, rows }
    this.issued.push(issued)
    return issued
  }

  #fresh(seq: number): RowSpec[] {
    return Array.from({ length: newWindows }, () => {
      const values = [this.#value(), this.#value()]
      const window = { start: noon + this.#windows.length * minuteMs, values, rev: 0, seq }
      this.#windows.push(window)
      return this.#spec(window)
    })
  }

  /** Windows take one reading more, once their last revision was receipted. */
  #amended(seq: number): RowSpec[] {
    const free = this.#windows.filter((window) => window.seq !== seq && !this.outstanding.has(window.seq))
    const some = free.filter(() => this.#chance() < 2 / free.length)
    return some.map((window) => {
      Object.assign(window, { values: [...window.values, this.#value()], rev: window.rev + 1, seq })
      return this.#spec(window)
    })
  }

  #spec({ start, values, rev }: Window): RowSpec {
    return { device: this.#device, metric, start, rev, values: [...values] }
  }

  #value(): number {
    return ++this.#sent
  }
}

/** Agents that send to an ingest and obey its receipts. */
export class HandAgents {
  readonly #agents: HandAgent[]
  readonly #stopping = new AbortController()
  #client: MqttClient | undefined
  #running: Promise<void> | undefined

  constructor(agents: number, seed: number) {
    this.#agents = Array.from({ length: agents }, (_, index) => new HandAgent(index, seed))
  }

  get issued(): IssuedBody[] {
    return this.#agents.flatMap(({ issued }) => issued)
  }

  get outstanding(): number {
    return this.#agents.reduce((sum, { outstanding }) => sum + outstanding.size, 0)
  }

  async start(port: number): Promise<void> {
    const client = await connectAsync({ host: '127.0.0.1', port })
    this.#client = client
    client.on('message', (_topic, body) => {
      const receipt = JSON.parse(body.toString()) as Receipt
      for (const agent of this.#agents) agent.settle(receipt)
    })
    await client.subscribeAsync('millrace/v1/+/+/receipt', { qos: 1 })
    this.#running = this.#run((topic, body) => client.publish(topic, body, { qos: 1 }))
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    await this.#client?.endAsync(true)
  }

  async #run(publish: (topic: string, body: string) => void): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      for (const agent of this.#agents) {
        agent.step(publish)
        await delay(30)
      }
    }
  }
}
