import { mkdirSync, rmSync } from 'node:fs'
import { stackPaths, writeConfigFiles } from '../packages/cli/src/up/config-files.ts'
import type { UpOptions } from '../packages/cli/src/up/options.ts'
import { choosePorts } from '../packages/cli/src/up/ports.ts'
import { processSpecs } from '../packages/cli/src/up/process-specs.ts'
import { Supervised } from '../packages/cli/src/up/supervised.ts'
import { writeClockFile } from '../packages/pipeline/src/index.ts'
import { until } from '../packages/pipeline/testing/index.ts'
import { run, stackPorts, untilClockRuns, type Verdict } from './stack.ts'

export type Part = 'broker' | 'hub' | 'ingest' | 'agent' | 'simulator'

export interface PartsOptions {
  dataDir: string
  speed: number
  /** Event time begins this much before now, ms. */
  beginMs: number
  simulator: string[]
  /** Port of a cloud broker that the test runs by itself, instead of the part `broker`. */
  cloudMqttPort?: number
  /** The local IoT Hub is in the place of the broker, and the agent's tokens live this long. */
  hub?: { tokenLife: string }
  /** URL of an InfluxDB, to be the second store. */
  influx?: string
}

/** The processes of a stack, started and stopped one by one as a test wants them. */
export class Parts {
  readonly #parts: Map<string, Supervised>
  readonly #options: UpOptions
  #log = ''

  private constructor(options: UpOptions, speed: number) {
    this.#options = options
    const paths = writeConfigFiles(options, options.ports.cloudMqtt)
    const events = {
      line: (name: string, text: string) => {
        this.#log += `${name}: ${text}\n`
      },
      started: () => undefined,
      died: (name: string, how: string) => {
        this.#log += `${name} died: ${how}\n`
      },
      ended: () => undefined,
      refused: () => undefined,
    }
    const specs = processSpecs(options, paths, speed)
    this.#parts = new Map(specs.map((spec) => [spec.name, new Supervised(spec, events)]))
  }

  static async prepare(options: PartsOptions): Promise<Parts> {
    const { dataDir, speed, beginMs, simulator, cloudMqttPort, influx, hub } = options
    mkdirSync(dataDir, { recursive: true })
    const doors = hub ? { hub: { amqp: 0, amqps: 0, https: 0 } } : {}
    const ports = await choosePorts({ ...(await stackPorts()), ...doors })
    if (cloudMqttPort !== undefined) ports.cloudMqtt = cloudMqttPort
    const stores = influx === undefined ? {} : { influx, influxAlone: false }
    const cloud = hub ? { hub } : {}
    writeClockFile(stackPaths(dataDir).clock, { mode: 'held', atMs: Date.now() - beginMs })
    return new Parts({ dataDir, ports, window: '1m', simulator, keys: false, ...stores, ...cloud }, speed)
  }

  get log(): string {
    return this.#log
  }

  async start(part: Part): Promise<void> {
    await this.#parts.get(part)!.start(new AbortController().signal)
  }

  /** kill -9; it is started again. False where it is not running just now. */
  kill(part: Part): boolean {
    const running = this.#parts.get(part)!
    if (running.pid === null) return false
    running.kill()
    return true
  }

  async stop(part: Part, withinMs = 4000): Promise<void> {
    await this.#parts.get(part)!.stop(withinMs)
  }

  /** Ends the simulator as its own end would; everything it sent is acknowledged. */
  async endSimulator(): Promise<void> {
    await until(() => this.get('/readyz', 'agent').catch(() => false), { withinMs: 30_000, label: 'a ready agent' })
    await untilClockRuns(this.#options.dataDir)
    await this.stop('simulator', 30_000)
  }

  async get<T>(path: string, server: 'http' | 'agent' = 'http'): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.#options.ports[server]}${path}`)
    return (await response.json()) as T
  }

  async verify(...args: string[]): Promise<Verdict> {
    const { http, agent } = this.#options.ports
    const urls = ['--url', `http://127.0.0.1:${http}`, '--agent-url', `http://127.0.0.1:${agent}`]
    const { stdout, stderr } = await run('verify', '--json', '--data-dir', this.#options.dataDir, ...urls, ...args)
    if (stdout.trim() === '') throw new Error(`verify said nothing:\n${stderr}\n${this.#log.slice(-5000)}`)
    return JSON.parse(stdout) as Verdict
  }

  async remove(): Promise<void> {
    for (const part of [...this.#parts.values()].toReversed()) await part.stop(4000)
    rmSync(this.#options.dataDir, { recursive: true, force: true })
  }
}
