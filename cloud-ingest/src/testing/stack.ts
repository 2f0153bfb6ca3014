import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type AccountsResponse,
  type AlertsResponse,
  type ApiAlert,
  cloudTopic,
  type MessageKind,
  type Receipt,
  type SummariesResponse,
} from '@millrace/contracts'
import { type Clock, checkConfig, type Logger, silentLogger, systemClock } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { type Broker, createBroker, createMqttLink, type MqttLink } from '@millrace/transports'
import { configSchema } from '../config.ts'
import { type Ingest, startIngest } from '../pipeline.ts'
import { type BodySpec, summariesBody } from './rows.ts'

export interface StackOptions {
  clock?: Clock
  log?: Logger
  stores?: unknown[]
  /** A broker that somebody else runs; default one in this process. */
  brokerPort?: number
  maxBytes?: number
  /** Files of the folder of rules, by name. */
  rules?: Record<string, unknown>
  notify?: unknown
  /** Real ms after a connection in which no agent is found silent; default none. */
  settleMs?: number
}

/** An ingest with its broker, and an agent's side played by hand. */
export class Stack {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'millrace-ingest-'))
  readonly receipts: { topic: string; receipt: Receipt }[] = []
  readonly options: StackOptions
  readonly rulesDir = mkdtempSync(join(tmpdir(), 'millrace-rules-'))
  brokerPort = 0
  ingest: Ingest | undefined
  private broker: Broker | undefined
  private agent: MqttLink | undefined

  constructor(options: StackOptions = {}) {
    this.options = options
  }

  async start(): Promise<this> {
    this.brokerPort = this.options.brokerPort ?? (await this.startBroker())
    this.agent = createMqttLink({ url: `mqtt://127.0.0.1:${this.brokerPort}`, clientId: 'agent-by-hand' })
    this.agent.subscribe(['millrace/v1/+/+/receipt'], ({ topic, body }) => {
      this.receipts.push({ topic, receipt: JSON.parse(Buffer.from(body).toString('utf8')) })
    })
    await this.agent.start()
    await this.startIngest()
    await until(() => this.agent?.connected, { label: 'the agent connects' })
    return this
  }

  private async startBroker(): Promise<number> {
    this.broker = await createBroker({ host: '127.0.0.1', port: 0 })
    return (await this.broker.listen()).port
  }

  async startIngest(): Promise<void> {
    const { clock = systemClock, log = silentLogger, stores = [{ type: 'duckdb' }], maxBytes } = this.options
    const { rules, notify, settleMs = 0 } = this.options
    for (const [name, content] of Object.entries(rules ?? {})) this.writeRules(name, content)
    const config = checkConfig(
      {
        dataDir: this.dataDir,
        collect: { type: 'mqtt', url: `mqtt://127.0.0.1:${this.brokerPort}` },
        stores,
        http: { port: 0 },
        ...(maxBytes === undefined ? {} : { spool: { maxBytes } }),
        ...(rules === undefined ? {} : { rules: this.rulesDir }),
        ...(notify === undefined ? {} : { notify }),
      },
      configSchema,
      'the test',
    )
    this.ingest = await startIngest(config, { clock, log, settleMs })
    await this.ready()
  }

  /** A file of the folder of rules, made or replaced as a whole; a text is written as it is. */
  writeRules(name: string, content: unknown): void {
    mkdirSync(this.rulesDir, { recursive: true })
    const file = join(this.rulesDir, name)
    writeFileSync(`${file}.new`, typeof content === 'string' ? content : JSON.stringify(content))
    renameSync(`${file}.new`, file)
  }

  async ready(): Promise<void> {
    const connected = async () => {
      const { reasons } = (await this.get('/readyz')) as { reasons: string[] }
      return !reasons.some((reason) => reason.includes('collect.url'))
    }
    await until(connected, { label: 'the ingest connects' })
  }

  async stopIngest(): Promise<void> {
    await this.demandEqualStores()
    await this.ingest?.stop()
    this.ingest = undefined
  }

  /** Whatever a test has done, no store may hold other readings than the spool. */
  private async demandEqualStores(): Promise<void> {
    const stores = this.ingest ? (await this.accounts()).stores : []
    const wrong = stores.filter(({ unaccounted }) => unaccounted !== 0)
    if (wrong.length > 0) throw new Error(`stores differ from the spool: ${JSON.stringify(wrong)}`)
  }

  async stop(): Promise<void> {
    await this.stopIngest()
    await this.agent?.stop()
    await this.broker?.close()
    for (const folder of [this.dataDir, this.rulesDir]) rmSync(folder, { recursive: true, force: true })
  }

  async publish(topic: { site: string; agent: string; kind: MessageKind }, body: unknown): Promise<void> {
    const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    await this.agent!.publish({ topic: cloudTopic(topic), body: bytes })
  }

  async send(spec: BodySpec): Promise<void> {
    const body = summariesBody(spec)
    await this.publish({ site: body.site, agent: body.agent, kind: 'summaries' }, body)
  }

  /** Resolves once a receipt says that messages 0 to `upTo` of the spool are there. */
  async receipted(upTo: number, spool = 'spool-a'): Promise<Receipt> {
    const find = () => this.receipts.findLast(({ receipt }) => receipt.spool === spool && receipt.upTo >= upTo)
    return (await until(find, { label: `receipt of ${spool} up to ${upTo}` }))!.receipt
  }

  async get(path: string): Promise<unknown> {
    return await (await fetch(`http://127.0.0.1:${this.ingest!.port}${path}`)).json()
  }

  /** All alerts, newest first. */
  async alerts(): Promise<ApiAlert[]> {
    return ((await this.get('/api/alerts')) as AlertsResponse).alerts
  }

  async accounts(): Promise<AccountsResponse> {
    return (await this.get('/api/accounts')) as AccountsResponse
  }

  /** Resolves once every store has everything. */
  async stored(): Promise<AccountsResponse> {
    return await until(
      async () => {
        const accounts = await this.accounts()
        return accounts.stores.every(({ behind }) => behind === 0) ? accounts : undefined
      },
      { label: 'the stores catch up' },
    ).then((accounts) => accounts!)
  }

  async summaries(query: Record<string, string | number> = {}): Promise<SummariesResponse> {
    const series = { site: 'north', device: 'pump', metric: 'temperature', from: 0, to: 4102444800000 }
    const all = Object.entries({ ...series, ...query }).map(([key, value]) => [key, String(value)] as [string, string])
    return (await this.get(`/api/summaries?${new URLSearchParams(all)}`)) as SummariesResponse
  }
}
