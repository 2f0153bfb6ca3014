import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connectAsync } from 'mqtt'
import { stackPaths } from '../packages/cli/src/up/config-files.ts'
import type { VerifyReport } from '../packages/cli/src/verify/report.ts'
import { readClockFile } from '../packages/pipeline/src/index.ts'
import { freePort, until } from '../packages/pipeline/testing/index.ts'

const millrace = fileURLToPath(new URL('../packages/cli/src/main.ts', import.meta.url))

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

function start(args: readonly string[]) {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', millrace, ...args])
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (bytes) => {
      output[name] += bytes
    })
  }
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, ...output })))
  return { child, output, ended }
}

/** Runs `millrace` to its end. */
export async function run(...args: string[]): Promise<Ended> {
  return await start(args).ended
}

/** What `millrace verify --json` prints. */
export type Verdict = VerifyReport & { ok: boolean }

interface RunFile {
  pid: number | null
  ports: { http: number; mqtt: number; agent: number; cloudMqtt: number }
  processes: Record<string, { pid: number | null; restarts: number }>
}

/** Until the simulator has published the past: before that the clock stands still, and closes no window. */
export async function untilClockRuns(dataDir: string): Promise<void> {
  const runs = () => readClockFile(stackPaths(dataDir).clock).mode !== 'held'
  await until(runs, { withinMs: 60_000, label: 'the end of the past' })
}

/** A folder of its own, with spaces in its name, as people have them. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'millrace e2e '))
}

/** Ports of a stack that is alone on them, also while its processes are away. */
export async function stackPorts() {
  const [http, mqtt, agent, cloudMqtt] = await Promise.all([freePort(), freePort(), freePort(), freePort()])
  return { http, mqtt, agent, cloudMqtt }
}

/** `millrace up` on free ports and a data folder of its own. */
export class RunningStack {
  readonly dataDir: string
  readonly #child: ChildProcess
  readonly #output: { stdout: string; stderr: string }
  readonly ended: Promise<Ended>

  private constructor(dataDir: string, args: readonly string[]) {
    this.dataDir = dataDir
    const { child, output, ended } = start(['up', '--no-keys', '--data-dir', dataDir, ...args])
    this.#child = child
    this.#output = output
    this.ended = ended
  }

  /** Resolves when the start screen is there. */
  static async start(dataDir: string, ...args: string[]): Promise<RunningStack> {
    const { http, mqtt, agent, cloudMqtt } = await stackPorts()
    const ports = { '--http-port': http, '--mqtt-port': mqtt, '--agent-port': agent, '--cloud-mqtt-port': cloudMqtt }
    const stack = new RunningStack(dataDir, [...Object.entries(ports).flat().map(String), ...args])
    let over: Ended | undefined
    const watch = stack.ended.then((ended) => {
      over = ended
    })
    await until(() => over || stack.#output.stdout.includes('Millrace is running'), {
      withinMs: 60_000,
      everyMs: 50,
      label: 'the start screen',
    })
    if (over) throw new Error(`up ended with ${over.code}:\n${over.stdout}${over.stderr}`)
    void watch
    return stack
  }

  get log(): string {
    return this.#output.stdout + this.#output.stderr
  }

  get pid(): number {
    return this.#child.pid!
  }

  run(): RunFile {
    return JSON.parse(readFileSync(join(this.dataDir, 'run.json'), 'utf8')) as RunFile
  }

  async get<T>(path: string, server: 'http' | 'agent' = 'http'): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.run().ports[server]}${path}`)
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
    return (await response.json()) as T
  }

  /** kill -9, and waits until the supervisor has started another. */
  async kill(name: string): Promise<void> {
    const { pid, restarts } = this.run().processes[name]!
    if (pid === null) throw new Error(`${name} is not running`)
    process.kill(pid, 'SIGKILL')
    const isBack = () => {
      const now = this.run().processes[name]!
      return now.restarts > restarts && now.pid !== null && now.pid !== pid
    }
    await until(isBack, { withinMs: 20_000, label: `the restart of ${name}` })
  }

  /** One message of a device, until it is acknowledged. */
  async publish(topic: string, body: object): Promise<void> {
    const client = await connectAsync(`mqtt://127.0.0.1:${this.run().ports.mqtt}`)
    await client.publishAsync(topic, JSON.stringify(body), { qos: 1 })
    await client.endAsync()
  }

  /** Ends the simulator as its own end would; everything it sent is acknowledged. */
  async endSimulator(): Promise<void> {
    await until(() => this.log.includes('devices start'), { withinMs: 20_000, label: 'the start of the simulator' })
    await untilClockRuns(this.dataDir)
    process.kill(this.run().processes.simulator!.pid!, 'SIGTERM')
    await until(() => this.log.includes('the simulator has sent everything'), {
      withinMs: 30_000,
      label: 'the end of the simulator',
    })
  }

  async verify(...args: string[]): Promise<Verdict> {
    const { stdout, stderr } = await run('verify', '--json', '--data-dir', this.dataDir, ...args)
    if (stdout.trim() === '') throw new Error(`verify said nothing:\n${stderr}\n${this.log.slice(-5000)}`)
    return JSON.parse(stdout) as Verdict
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Ctrl-C. */
  async stop(): Promise<Ended & { tookMs: number }> {
    const startedAt = performance.now()
    this.#child.kill('SIGINT')
    const ended = await this.ended
    return { ...ended, tookMs: performance.now() - startedAt }
  }

  /** For the end of a test, whatever happened in it. */
  async remove(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.stop()
    rmSync(this.dataDir, { recursive: true, force: true })
  }
}

export const clean = { missing: 0, doubled: 0, wrongWindow: 0, wrongValue: 0, differences: [], setAsideDifferences: [] }
