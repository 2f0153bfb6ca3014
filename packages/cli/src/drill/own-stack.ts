import { clockNow, pause, readClockFile } from '@millrace/pipeline'
import { agentDataIn } from '../up/config-files.ts'
import type { UpOptions } from '../up/options.ts'
import { Stack } from '../up/stack.ts'
import { httpStack } from '../verify/api.ts'
import { fileLimitAt } from './file-limit.ts'
import type { DrillOptions } from './options.ts'
import { smallDiskAt } from './small-disk.ts'
import { type SmallDisk, type Target, type Victim, victims } from './target.ts'

const loopback = '127.0.0.1'
const patienceMs = 30_000

const speed = 60
const lookEveryMs = 100

export interface StackLog {
  line(name: string, text: string): void
  died(name: string): void
}

function upOptions({ dataDir, httpPort, seed, perturb, devices }: DrillOptions): UpOptions {
  const flags = { '--seed': String(seed), '--perturb': perturb, '--devices': String(devices) }
  return {
    dataDir,
    ports: { http: httpPort, mqtt: 0, agent: 0, cloudMqtt: 0 },
    window: '1m',
    speed,
    simulator: Object.entries(flags).flat(),
    keys: false,
  }
}

/** A stack that lives for one drill, on a disk and ports of its own. */
export class OwnStack implements Target {
  readonly #stack: Stack
  readonly #ended: Promise<void>
  readonly dataDir: string
  readonly disk: SmallDisk | undefined
  readonly own = true
  readonly token = undefined
  readonly tokenFile = undefined
  readonly victims = victims
  readonly speed = speed
  readonly api

  private constructor(stack: Stack, parts: { ended: Promise<void>; disk: SmallDisk | undefined }) {
    this.#stack = stack
    this.#ended = parts.ended
    this.disk = parts.disk
    this.dataDir = stack.options.dataDir
    const { http, agent } = stack.options.ports
    this.api = httpStack({
      ingest: { url: `http://${loopback}:${http}`, flag: '--http-port', patienceMs },
      agent: { url: `http://${loopback}:${agent}`, flag: '--agent-port', patienceMs },
    })
  }

  /** Resolves when everything runs. */
  static async start(options: DrillOptions, log: StackLog, signal: AbortSignal): Promise<OwnStack> {
    const ended = Promise.withResolvers<void>()
    const stack = await Stack.prepare(upOptions(options), {
      line: (name, text) => log.line(name, text),
      started: () => undefined,
      died: (name) => log.died(name),
      ended: () => ended.resolve(),
      refused: (error) => ended.reject(error),
    })
    ended.promise.catch(() => undefined)
    const folder = agentDataIn(options.dataDir)
    const disk = options.acts.includes('disk')
      ? (smallDiskAt(folder) ?? fileLimitAt(folder, () => stack.pid('agent')))
      : undefined
    const made = new OwnStack(stack, { ended: ended.promise, disk })
    try {
      await stack.start(signal)
    } catch (error) {
      await made.stop()
      throw error
    }
    return made
  }

  get ports() {
    return this.#stack.options.ports
  }

  now(): number {
    return Math.round(clockNow(readClockFile(this.#stack.clockFile), Date.now()))
  }

  pid(name: Victim): number | null {
    return this.#stack.pid(name)
  }

  kill(name: Victim): number | null {
    const pid = this.#stack.pid(name)
    if (pid !== null) this.#stack.kill(name)
    return pid
  }

  get uplinkConnected(): boolean {
    return this.#stack.relay.connected
  }

  async connectUplink(connected: boolean): Promise<void> {
    this.#stack.relay.connected = connected
  }

  /** The devices say goodbye; resolves when everything that they sent is acknowledged. */
  async endSimulator(): Promise<void> {
    const ended = new AbortController()
    this.#ended.catch(() => undefined).finally(() => ended.abort())
    // One that has just died is started again, and must be told then.
    while (!ended.signal.aborted && this.#stack.pid('simulator') === null)
      await pause(lookEveryMs, ended.signal).catch(() => undefined)
    const pid = this.#stack.pid('simulator')
    if (pid !== null) process.kill(pid, 'SIGTERM')
    await this.#ended
  }

  async stop(keep = false): Promise<void> {
    this.disk?.empty()
    await this.#stack.stop()
    this.disk?.release(keep)
  }

  killAll(): void {
    this.#stack.killAll()
  }
}
