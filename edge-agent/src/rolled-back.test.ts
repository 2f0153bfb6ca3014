import { cp, rm } from 'node:fs/promises'
import { cloudTopic } from '@millrace/contracts'
import { until } from '@millrace/pipeline/testing'
import type { Broker } from '@millrace/transports'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Agent } from './agent.ts'
import { Device, expectedWindows } from './testing/device.ts'
import { FakeIngest, type FakeIngestOptions } from './testing/fake-ingest.ts'
import { Bench, brokerAt, freePort } from './testing/fixture.ts'

const lengthMs = 10_000
const withinMs = 20_000
let bench: Bench
let stack: Stack

/** A device, an agent whose folder is copied and put back, and the cloud, which comes and goes. */
class Stack {
  readonly baseMs = Math.floor((Date.now() - 7_200_000) / lengthMs) * lengthMs
  agent!: Agent
  device!: Device
  ingest!: FakeIngest
  settings!: { dataDir: string; cloudPort: number; mqttPort: number }
  #cloud: Broker | undefined
  #seq = 0

  async begin(options: Partial<FakeIngestOptions> = {}): Promise<this> {
    const [cloudPort, mqttPort] = [await freePort(), await freePort()]
    this.settings = { dataDir: await bench.folder(), cloudPort, mqttPort }
    bench.onClose(async () => this.#cloud?.close())
    await this.cloud(true)
    this.ingest = await bench.add(new FakeIngest({ url: `mqtt://127.0.0.1:${cloudPort}`, ...options }))
    await this.start()
    this.device = await bench.add(new Device(`mqtt://127.0.0.1:${mqttPort}`, 'hall', 'd1'))
    return this
  }

  async cloud(there: boolean): Promise<void> {
    await this.#cloud?.close()
    this.#cloud = there ? await brokerAt(this.settings.cloudPort) : undefined
    await this.#cloud?.listen()
  }

  async start(): Promise<void> {
    this.agent = await bench.agent(this.settings)
  }

  /** Readings of consecutive seconds from `second` after the base; none is sent twice. */
  async send(second: number, count = 25): Promise<void> {
    for (let index = 0; index < count; index++) {
      const seq = this.#seq++
      const ts = this.baseMs + (second + index) * 1_000
      await this.device.send({ ts, seq, boot: 'a', readings: { temperature: seq / 10, energy: seq } })
    }
    await this.agent.pipeline.checkpoints.run()
  }

  /** The folder as it is, kept elsewhere; what it returns puts it back, with the agent away. */
  async copy(): Promise<() => Promise<void>> {
    const { dataDir } = this.settings
    const kept = await bench.folder()
    await cp(dataDir, kept, { recursive: true })
    return async () => {
      await this.agent.stop()
      await rm(dataDir, { recursive: true })
      await cp(kept, dataDir, { recursive: true })
    }
  }

  status() {
    return this.agent.reporter.status()
  }

  async drained(): Promise<void> {
    const isDone = async () => {
      const { outboxMessages, inheritedMessages, confirmed } = (await this.status()).spool
      return confirmed && outboxMessages + inheritedMessages === 0
    }
    await until(isDone, { withinMs, label: 'everything receipted' })
  }

  async recognised(times = 1): Promise<void> {
    const isDone = async () => (await this.status()).spool.rolledBack.length === times
    // Between two lives nobody answers.
    await until(() => isDone().catch(() => false), { withinMs, label: 'recognition' })
  }

  /** Sends, and closes every window: nothing of it is with the agent alone. */
  async sendAll(second: number, count = 25): Promise<void> {
    await this.send(second, count)
    await this.send(3_600, 1)
    await this.drained()
  }

  /** Closes every window and compares what the cloud has, part by part, with what was acknowledged. */
  async problems(): Promise<string[]> {
    await this.send(3_600, 1)
    await this.drained()
    const found = [...expectedWindows([this.device], lengthMs)]
      .filter(([key]) => !key.endsWith(`/${this.baseMs + 3_600_000}`))
      .filter(([key, readings]) => this.ingest.readingsOf(key) !== readings.size)
    return [
      ...found.map(([key, readings]) => `${key}: ${this.ingest.readingsOf(key)} of ${readings.size}`),
      ...this.ingest.balance(),
    ]
  }
}

beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

describe('a spool that was put back from an old copy', () => {
  it('is recognised; nothing acknowledged since is lost, and nothing is counted twice', async () => {
    stack = await new Stack().begin()
    await stack.send(0)
    await stack.drained()
    const { name } = (await stack.status()).spool
    const putBack = await stack.copy()
    await stack.sendAll(25, 100)
    await putBack()

    await stack.start()
    await stack.send(22)
    await stack.recognised()
    await stack.send(120)
    expect(await stack.problems()).toEqual([])
    const { spool, unaccounted } = await stack.status()
    expect(spool.name).not.toBe(name)
    expect(spool.rolledBack).toMatchObject([{ from: name, lost: 0, ofFirstLife: 10 }])
    expect(unaccounted).toBe(0)
  })

  it('started while the cloud is away, and again, and again, has kept what arrived in every one of them', async () => {
    stack = await new Stack().begin()
    await stack.send(0)
    await stack.drained()
    const putBack = await stack.copy()
    await stack.sendAll(25, 50)
    await putBack()
    await stack.cloud(false)
    // More messages than the first life made: their numbers go beyond what the ingest has.
    for (let start = 0; start < 3; start++) {
      await stack.start()
      for (let times = 0; times < 3; times++) await stack.send(20 + 40 * times + 10 * start, 20)
      await stack.agent.stop()
    }
    await stack.start()
    await stack.cloud(true)
    await stack.recognised()
    expect(await stack.problems()).toEqual([])
    expect((await stack.status()).spool.rolledBack).toMatchObject([{ lost: 0, accepted: 3 * 3 * 20 * 2 }])
  })

  it('sends what it had not sent under the number that it had, and the cloud takes what it lacks of it', async () => {
    let taking = false
    stack = await new Stack().begin({ takes: (seq) => taking || seq < 1 })
    await stack.send(0, 60)
    await stack.send(60, 60)
    const { outboxMessages } = (await stack.status()).spool
    expect(outboxMessages).toBeGreaterThan(0)
    const putBack = await stack.copy()
    taking = true
    await stack.sendAll(120, 30)
    await putBack()
    await stack.start()
    await stack.send(200)
    await stack.recognised()
    expect((await stack.status()).spool.rolledBack).toMatchObject([{ messages: outboxMessages }])
    expect(await stack.problems()).toEqual([])
  })

  it('copied while it had no answer yet leaves to the first life what arrived before the copy', async () => {
    stack = await new Stack().begin()
    await stack.send(0)
    await stack.drained()
    await stack.agent.stop()
    await stack.cloud(false)
    await stack.start()
    await stack.send(25, 50)
    const putBack = await stack.copy()
    await stack.cloud(true)
    await stack.sendAll(75)
    await putBack()
    await stack.start()
    await stack.send(110)
    await stack.recognised()
    expect(await stack.problems()).toEqual([])
    expect((await stack.status()).spool.rolledBack).toMatchObject([{ from: expect.any(String) }])
  })

  it('is recognised a second time, and what still waits of the first is sent as well', async () => {
    stack = await new Stack().begin()
    await stack.send(0)
    await stack.drained()
    const putBack = await stack.copy()
    await stack.sendAll(25)
    await putBack()
    await stack.start()
    await stack.send(60)
    await stack.recognised()
    await stack.drained()
    const putBackAgain = await stack.copy()
    await stack.sendAll(90)
    await putBackAgain()
    await stack.start()
    await stack.send(130)
    await stack.recognised(2)
    expect(await stack.problems()).toEqual([])
  })

  it('at work twice at once is recognised, and what arrives from then on is counted', async () => {
    stack = await new Stack().begin()
    await stack.send(0)
    await stack.drained()
    const { name } = (await stack.status()).spool
    const twin = { v: 1, agent: 'edge-1', spool: name, epoch: 'same', site: 'hall', seq: 1_000, alerts: [] }
    const topic = cloudTopic({ site: 'hall', agent: 'edge-1', kind: 'alerts' })
    stack.ingest.receive({ topic, body: Buffer.from(JSON.stringify(twin)) })
    await until(async () => !(await stack.status()).spool.confirmed, { withinMs, label: 'doubt' })
    await stack.send(30, 20)
    await stack.recognised()
    const { spool } = await stack.status()
    expect(spool.rolledBack).toMatchObject([{ from: name, accepted: 40, lost: 0, ofFirstLife: 10 }])
    await stack.send(3_600, 1)
    await stack.drained()
    const second = `hall/d1/energy/${stack.baseMs + 40_000}`
    expect(stack.ingest.parts.get(`${(await stack.status()).spool.name}/${second}`)?.count).toBe(10)
  })

  it('is not what a forged receipt says that it is: it keeps its name and all its windows', async () => {
    stack = await new Stack().begin()
    await stack.send(0)
    await stack.drained()
    const { name } = (await stack.status()).spool
    await stack.ingest.publishReceipt('hall', 'edge-1', { spool: name, upTo: 1_000, ranges: [], greets: true })
    await until(async () => !(await stack.status()).spool.confirmed, { withinMs, label: 'doubt' })
    await stack.send(25)
    await stack.drained()
    // Retained, it is there before the ingest answers the next start.
    await stack.agent.stop()
    await stack.ingest.publishReceipt('hall', 'edge-1', { spool: name, upTo: 1_000, ranges: [] })
    await stack.start()
    await stack.send(50)
    expect(await stack.problems()).toEqual([])
    const { spool, unaccounted } = await stack.status()
    expect({ spool, unaccounted }).toMatchObject({ spool: { name, rolledBack: [], keptBytes: 0 }, unaccounted: 0 })
  })

  it('a start of the only copy is confirmed at once and keeps its name and all its windows', async () => {
    stack = await new Stack().begin()
    await stack.send(0)
    const { name } = (await stack.status()).spool
    await stack.agent.stop()
    await stack.start()
    await stack.send(25)
    expect(await stack.problems()).toEqual([])
    const { spool } = await stack.status()
    expect(spool).toMatchObject({ name, confirmed: true, keptBytes: 0, rolledBack: [] })
    expect(stack.ingest.parts.size).toBe(stack.ingest.rows.size)
  })
})
