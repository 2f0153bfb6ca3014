import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Mosquitto } from '../../cloud-ingest/src/testing/mosquitto.ts'
import { apps } from '../../packages/cli/src/apps.ts'
import { until } from '../../packages/pipeline/testing/index.ts'
import { Influxd } from '../influxd.ts'
import { stackPorts } from '../stack.ts'
import { type HttpFaults, startHttpFaults } from './http-faults.ts'
import { type OracleFlags, OracleProcess } from './oracle-process.ts'
import { Receipts } from './receipts.ts'
import { Service } from './service.ts'
import { startProxy, type TcpProxy } from './tcp-proxy.ts'

export type Leg = 'devices' | 'uplink' | 'collect' | 'influx'

export interface FaultStackOptions {
  windowMs: number
  /** Default: the product's own broker. */
  mosquitto?: boolean
  /** A broker that the run has by itself. */
  cloudMqttPort?: number
  /** A real InfluxDB as a second store. */
  influx?: boolean
  /** Legs that go through a proxy. */
  proxies?: readonly Leg[]
  /** The InfluxDB is behind a door that spoils its answers. */
  httpFaults?: boolean
  /** Added to the agent's config. */
  agent?: Record<string, unknown>
  /** Node keeps what it compiled, so that a start takes about half the work: for runs of many starts. */
  quickStarts?: boolean
  /** Added to every Node process of the product. */
  environment?: Record<string, string>
  /** The shared clock, instead of the system's. */
  clockFile?: string
}

const local = '127.0.0.1'
/** Silence after which windows close: short, so that a run's last windows are there soon. */
const idle = '3s'

/** Agent, broker, ingest and perhaps InfluxDB, each a process that a run kills and starts; made in a folder of their own. */
export class FaultStack {
  readonly folder: string
  readonly agent: Service
  readonly ingest: Service
  readonly broker: Service | undefined
  readonly mosquitto: Mosquitto | undefined
  readonly influxd: Influxd | undefined
  readonly httpFaults: HttpFaults | undefined
  readonly receipts: Receipts
  readonly ports: { http: number; mqtt: number; agent: number; cloudMqtt: number }
  readonly #proxies: Map<Leg, TcpProxy>
  readonly #windowMs: number
  readonly #quickStarts: boolean
  oracle: OracleProcess | undefined
  readonly #onExit = () => this.#removeNow()

  private constructor(made: Made) {
    const { folder, ports, options, proxies, mosquitto, influxd } = made
    const kept = options.quickStarts ? { NODE_COMPILE_CACHE: join(folder, 'compiled') } : {}
    const environment = { ...kept, ...options.environment }
    this.#quickStarts = options.quickStarts === true
    this.folder = folder
    this.ports = ports
    this.#proxies = proxies
    this.#windowMs = options.windowMs
    this.mosquitto = mosquitto
    this.influxd = influxd
    this.httpFaults = made.httpFaults
    const configs = writeConfigs(made)
    this.agent = new Service('agent', [apps.agent, '--config', configs.agent], { environment })
    this.ingest = new Service('ingest', [apps.ingest, '--config', configs.ingest], { environment })
    const brokerArgs = [apps.millrace, 'broker', '--port', String(ports.cloudMqtt)]
    const foreign = mosquitto !== undefined || options.cloudMqttPort !== undefined
    this.broker = foreign ? undefined : new Service('broker', brokerArgs, { environment })
    this.receipts = new Receipts(`mqtt://${local}:${ports.cloudMqtt}`)
    process.once('exit', this.#onExit)
  }

  static async make(options: FaultStackOptions): Promise<FaultStack> {
    const folder = mkdtempSync(join(tmpdir(), 'millrace fault '))
    const ports = await stackPorts()
    const mosquitto = options.mosquitto ? await new Mosquitto().start() : undefined
    ports.cloudMqtt = mosquitto?.port ?? options.cloudMqttPort ?? ports.cloudMqtt
    const influxd = options.influx ? await Influxd.start() : undefined
    const httpFaults = influxd && options.httpFaults ? await startHttpFaults(influxd.url) : undefined
    const targets: Record<Leg, number> = {
      ...{ devices: ports.mqtt, uplink: ports.cloudMqtt, collect: ports.cloudMqtt },
      influx: influxd ? Number(new URL(httpFaults?.url ?? influxd.url).port) : 0,
    }
    const proxies = new Map<Leg, TcpProxy>()
    for (const leg of options.proxies ?? []) proxies.set(leg, await startProxy({ target: { port: targets[leg] } }))
    return new FaultStack({ folder, ports, options, proxies, mosquitto, influxd, httpFaults })
  }

  /** Starts all of it and waits until it is ready. */
  async start(): Promise<this> {
    const services = [this.broker, this.ingest, this.agent].filter((service) => service !== undefined)
    for (const service of services) service.start()
    await this.ready()
    // Node writes what it compiled at a clean end.
    if (this.#quickStarts) await Promise.all(services.map((service) => service.stop()))
    for (const service of services) service.start()
    await this.ready()
    return this
  }

  async ready(withinMs = 60_000): Promise<void> {
    for (const [name, port] of [
      ['ingest', this.ports.http],
      ['agent', this.ports.agent],
    ] as const) {
      const answers = async () => (await fetch(`http://${local}:${port}/readyz`).catch(() => undefined))?.ok
      await until(answers, { withinMs, everyMs: 50, label: `a ready ${name}\n${this.log}` })
    }
  }

  proxy(leg: Leg): TcpProxy {
    return this.#proxies.get(leg)!
  }

  async get<T>(path: string, server: 'http' | 'agent' = 'http'): Promise<T> {
    const response = await fetch(`http://${local}:${this.ports[server]}${path}`, { signal: AbortSignal.timeout(5_000) })
    return (await response.json()) as T
  }

  startOracle(flags: Partial<OracleFlags> = {}): OracleProcess {
    this.oracle = new OracleProcess({
      url: `mqtt://${local}:${this.#proxies.get('devices')?.port ?? this.ports.mqtt}`,
      ...{ folder: join(this.folder, 'oracle'), ingest: `http://${local}:${this.ports.http}`, window: this.#windowMs },
      ...flags,
    })
    return this.oracle
  }

  get log(): string {
    return [this.agent, this.ingest, this.broker].map((service) => service?.log.slice(-4000) ?? '').join('\n')
  }

  async remove(): Promise<void> {
    this.oracle?.abandon()
    this.receipts.close()
    await Promise.all([this.agent, this.ingest, this.broker].map((service) => service?.end()))
    for (const proxy of this.#proxies.values()) await proxy.close()
    await this.httpFaults?.close()
    await this.mosquitto?.close()
    await this.influxd?.stop()
    rmSync(this.folder, { recursive: true, force: true })
    // Not before: whoever asks a second time has the process end at once, and nothing may stay then either.
    process.removeListener('exit', this.#onExit)
  }

  /** At the end of this process, when nothing can be waited for. */
  #removeNow(): void {
    for (const pid of [this.agent.pid, this.ingest.pid, this.broker?.pid, this.oracle?.pid]) {
      if (pid !== undefined) killNow(pid)
    }
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}

interface Made {
  folder: string
  ports: FaultStack['ports']
  options: FaultStackOptions
  proxies: Map<Leg, TcpProxy>
  mosquitto: Mosquitto | undefined
  influxd: Influxd | undefined
  httpFaults: HttpFaults | undefined
}

function writeConfigs({ folder, ports, options, proxies, influxd }: Made) {
  const through = (leg: Leg, port: number) => `${local}:${proxies.get(leg)?.port ?? port}`
  const clock = options.clockFile === undefined ? {} : { clockFile: options.clockFile }
  const agent = {
    ...{ agent: 'edge', site: 'local', dataDir: join(folder, 'agent'), ...clock },
    collect: { type: 'broker', host: local, port: ports.mqtt },
    windows: { length: `${options.windowMs}ms`, lateness: '1s', idle },
    uplink: { type: 'mqtt', url: `mqtt://${through('uplink', ports.cloudMqtt)}` },
    http: { host: local, port: ports.agent },
    ...options.agent,
  }
  const influx = influxd && {
    ...{ type: 'influxdb', database: 'telemetry' },
    url: `http://${through('influx', Number(new URL(influxd.url).port))}`,
  }
  const ingest = {
    ...{ dataDir: join(folder, 'ingest'), ...clock },
    collect: { type: 'mqtt', url: `mqtt://${through('collect', ports.cloudMqtt)}` },
    stores: [{ type: 'duckdb' }, ...(influx ? [influx] : [])],
    http: { host: local, port: ports.http },
  }
  mkdirSync(join(folder, 'config'), { recursive: true })
  const files = { agent: join(folder, 'config', 'agent.yaml'), ingest: join(folder, 'config', 'ingest.yaml') }
  writeFileSync(files.agent, JSON.stringify(agent))
  writeFileSync(files.ingest, JSON.stringify(ingest))
  return files
}
