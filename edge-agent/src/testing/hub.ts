import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cloudTopic, type MessageKind } from '@millrace/contracts'
import { type LocalHub, type LocalHubOptions, type LogEvent, startLocalHub } from '@millrace/iot-hub-local'
import { silentLogger, systemClock } from '@millrace/pipeline'
import { FakeIngest } from './fake-ingest.ts'
import { type Bench, freePort } from './fixture.ts'

/** A local IoT Hub of a test, which keeps its folder and its port over restarts. */
export class TestHub {
  readonly #options: LocalHubOptions
  readonly #folder: string
  #hub: LocalHub | undefined

  private constructor(options: LocalHubOptions, folder: string) {
    this.#options = options
    this.#folder = folder
  }

  static async open(bench: Bench, options: Partial<LocalHubOptions> = {}): Promise<TestHub> {
    const [dataDir, folder, mqtt] = [await bench.folder(), await bench.folder(), await freePort()]
    const about = { clock: systemClock, log: silentLogger, ...options }
    const hub = new TestHub({ dataDir, ports: { mqtt, https: 0, amqp: 0, amqps: 0 }, ...about }, folder)
    await hub.start()
    bench.onClose(() => hub.stop())
    return hub
  }

  get hub(): LocalHub {
    if (!this.#hub) throw new Error('the hub is stopped')
    return this.#hub
  }

  async start(limits = this.#options.limits): Promise<void> {
    this.#hub ??= await startLocalHub({ ...this.#options, ...(limits ? { limits } : {}) })
  }

  async stop(): Promise<void> {
    const hub = this.#hub
    this.#hub = undefined
    await hub?.stop()
  }

  /** Settings of an uplink for a device, whose connection string is in a file. */
  async uplink(device = 'edge-1', more: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const connectionStringFile = join(this.#folder, `${device}.txt`)
    await writeFile(connectionStringFile, await this.hub.deviceConnectionString(device), { mode: 0o600 })
    return { type: 'iot-hub', connectionStringFile, ca: this.hub.caFile, ...more }
  }

  /** Settings of a collector of what the hub has, or a plain event hub in it. */
  async collect(more: Record<string, unknown> = {}, entity?: string): Promise<Record<string, unknown>> {
    const connectionStringFile = join(this.#folder, `event-hub-${entity ?? ''}.txt`)
    const text = this.hub.connectionStrings.eventHub
    const of = entity === undefined ? text : text.replace(/EntityPath=[^;]*/, `EntityPath=${entity}`)
    await writeFile(connectionStringFile, of, { mode: 0o600 })
    return { type: 'iot-hub', connectionStringFile, ...more }
  }

  /** Everything in the built-in endpoint. */
  async events(): Promise<LogEvent[]> {
    const { builtIn } = this.hub.core.events
    const events: LogEvent[] = []
    for (let partition = 0; partition < builtIn.partitions; partition++) {
      for (let from = builtIn.info(partition).firstSequence; ; ) {
        const some = await builtIn.read(partition, from, { events: 1_000, bytes: 64 * 1024 * 1024 })
        if (some.length === 0) break
        events.push(...some)
        from = some.at(-1)!.sequence + 1
      }
    }
    return events
  }

  /** What an ingest would make of them; its `balance` names every breach of a promise. */
  async ingest(): Promise<FakeIngest> {
    const ingest = new FakeIngest({ url: 'mqtt://127.0.0.1:1', receipts: false })
    for (const { body, properties, annotations } of await this.events()) {
      const agent = String(annotations['iothub-connection-device-id'])
      const [site, kind] = [String(properties.site), String(properties.kind) as MessageKind]
      ingest.receive({ topic: cloudTopic({ site, agent, kind }), body })
    }
    return ingest
  }
}
