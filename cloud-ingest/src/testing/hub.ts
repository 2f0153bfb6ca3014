import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AccountsResponse, maxBodyBytes, type SummariesResponse } from '@millrace/contracts'
import { type EventLog, type HubCore, type NewEvent, openCore } from '@millrace/iot-hub-local'
import { checkConfig, type Logger, silentLogger, systemClock } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { startServiceSide } from '../../../packages/iot-hub-local/src/service/service-side.ts'
import { configSchema } from '../config.ts'
import { type Ingest, startIngest } from '../pipeline.ts'
import { type BodySpec, summariesBody } from './rows.ts'

/** An event of a device as the hub's device side appends it. */
export function telemetry(deviceId: string, body: unknown, more: Partial<NewEvent> = {}): NewEvent {
  return {
    partition: { key: deviceId },
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    properties: {},
    annotations: { 'iothub-connection-device-id': deviceId, 'iothub-message-source': 'Telemetry' },
    message: { content_type: 'application/json', content_encoding: 'utf-8' },
    ...more,
  }
}

/** A body of an agent on its way through the hub. */
export function summaries(spec: BodySpec = {}, more: Partial<NewEvent> = {}): NewEvent {
  const body = summariesBody(spec)
  return telemetry(body.agent, body, { properties: { kind: 'summaries', site: body.site }, ...more })
}

export interface HubOptions {
  dataDir?: string
  partitions?: number
  retentionMs?: number
  amqpPort?: number
}

/** The local hub without its device side. */
export class Hub {
  readonly dataDir: string
  private readonly options: HubOptions
  private running: { core: HubCore; port: number; stop(): Promise<void> } | undefined

  constructor(options: HubOptions = {}) {
    this.options = options
    this.dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'millrace-hub-'))
  }

  async start(): Promise<this> {
    const { partitions = 2, retentionMs = 86_400_000 } = this.options
    const core = await openCore({ dataDir: this.dataDir, partitions, retentionMs })
    const amqpPort = this.running?.port ?? this.options.amqpPort ?? 0
    const side = await startServiceSide(core, { host: '127.0.0.1', amqpPort, amqpsPort: 0, httpsPort: 0 })
    const stop = async () => {
      await side.stop()
      await core.close()
    }
    this.running = { core, port: side.amqpPort, stop }
    return this
  }

  get core(): HubCore {
    return this.running!.core
  }

  get events(): EventLog {
    return this.core.events.builtIn
  }

  connectionString(entity: string = this.core.name): string {
    const { name, primaryKey } = this.core.policies.find(({ permissions }) => permissions.includes('serviceConnect'))!
    const key = `SharedAccessKeyName=${name};SharedAccessKey=${primaryKey}`
    return `Endpoint=sb://127.0.0.1:${this.running!.port};${key};UseDevelopmentEmulator=true;EntityPath=${entity}`
  }

  /** As the hub does when the retention is over. */
  async forgetAll(): Promise<void> {
    const disk = this.events as EventLog & { dropBefore(enqueuedMs: number, atMost: number): Promise<number> }
    await disk.dropBefore(Date.now() + 60_000, 1_000)
  }

  /** What was sent stays; it starts again on the same port. */
  async stop(): Promise<void> {
    await this.running?.stop()
  }

  async end(): Promise<void> {
    await this.stop()
    rmSync(this.dataDir, { recursive: true, force: true })
  }
}

/** An ingest that reads a hub, with its folder. */
export class HubIngest {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'millrace-hub-ingest-'))
  readonly secretFile = join(this.dataDir, 'connection-string')
  private collect: Record<string, unknown>
  private maxBytes: number | undefined
  private readonly log: Logger
  ingest: Ingest | undefined

  constructor(connectionString: string, options: { collect?: object; maxBytes?: number; log?: Logger } = {}) {
    writeFileSync(this.secretFile, connectionString, { mode: 0o600 })
    const checkpoints = { type: 'file', dir: join(this.dataDir, 'checkpoints') }
    this.collect = { type: 'iot-hub', connectionStringFile: this.secretFile, checkpoints, ...options.collect }
    this.maxBytes = options.maxBytes
    this.log = options.log ?? silentLogger
  }

  get config() {
    const spool = this.maxBytes === undefined ? {} : { spool: { maxBytes: this.maxBytes } }
    return {
      dataDir: this.dataDir,
      collect: this.collect,
      stores: [{ type: 'duckdb' }],
      http: { port: 0 },
      ...spool,
    }
  }

  async start(): Promise<this> {
    const config = checkConfig(this.config, configSchema, 'the test')
    this.ingest = await startIngest(config, { clock: systemClock, log: this.log, settleMs: 0 })
    return this
  }

  /** While both are stopped: goes on with the other's spool and store, and without its checkpoints. */
  takeOver(other: HubIngest): void {
    for (const name of ['spool', 'telemetry.duckdb', 'telemetry.duckdb.wal']) {
      rmSync(join(this.dataDir, name), { recursive: true, force: true })
      const theirs = join(other.dataDir, name)
      if (existsSync(theirs)) cpSync(theirs, join(this.dataDir, name), { recursive: true })
    }
  }

  /** From the next start. */
  checkpointsIn(checkpoints: object): void {
    this.collect = { ...this.collect, checkpoints }
  }

  /** From the next start. */
  enlarge(maxBytes: number): void {
    this.maxBytes = maxBytes
  }

  async stop(): Promise<void> {
    await this.ingest?.stop()
    this.ingest = undefined
  }

  async end(): Promise<void> {
    await this.stop()
    rmSync(this.dataDir, { recursive: true, force: true })
  }

  async get(path: string): Promise<unknown> {
    const answer = await fetch(`http://127.0.0.1:${this.ingest!.port}${path}`)
    return path === '/metrics' ? await answer.text() : await answer.json()
  }

  async reasons(): Promise<string[]> {
    return ((await this.get('/readyz')) as { reasons: string[] }).reasons
  }

  async accounts(): Promise<AccountsResponse> {
    return (await this.get('/api/accounts')) as AccountsResponse
  }

  /** Resolves once so many readings are held, and the store has them. */
  async held(readings: number): Promise<AccountsResponse> {
    const look = async () => {
      const accounts = await this.accounts()
      const stored = accounts.stores.every(({ behind }) => behind === 0)
      return accounts.total.held >= readings && stored ? accounts : undefined
    }
    return (await until(look, { withinMs: 30_000, label: `${readings} readings are held` }))!
  }

  async rows(device = 'pump'): Promise<SummariesResponse['summaries']> {
    const query = new URLSearchParams({ site: 'north', device, metric: 'temperature', from: '0', to: '4102444800000' })
    return ((await this.get(`/api/summaries?${query}`)) as SummariesResponse).summaries
  }

  async deadLetters(): Promise<Record<string, number>> {
    const counts = (await this.get('/api/status')) as { deadLetters: { reason: string; letters: number }[] }
    return Object.fromEntries(counts.deadLetters.map(({ reason, letters }) => [reason, letters]))
  }
}

export const tooLarge = 'x'.repeat(maxBodyBytes + 1)
