import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { until } from '@millrace/pipeline/testing'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))

/** The agent as users run it, in a process of its own that can be killed at any moment. */
export class AgentProcess {
  readonly #configFile: string
  readonly #httpPort: number
  #child: ChildProcess | undefined
  errors = ''

  constructor(configFile: string, httpPort: number) {
    this.#configFile = configFile
    this.#httpPort = httpPort
  }

  static async configure(configFile: string, config: object, httpPort: number): Promise<AgentProcess> {
    // JSON is YAML.
    await writeFile(configFile, JSON.stringify({ ...config, http: { port: httpPort }, log: { level: 'warn' } }))
    return new AgentProcess(configFile, httpPort)
  }

  /** Resolves when it takes messages. */
  async start(environment: NodeJS.ProcessEnv = {}): Promise<this> {
    const child = this.spawn(environment)
    await until(() => child.exitCode !== null || this.#isReady(), { withinMs: 20_000, label: 'a ready agent' })
    if (child.exitCode !== null) throw new Error(`the agent ended: ${this.errors}`)
    return this
  }

  /** Begins to start. */
  spawn(environment: NodeJS.ProcessEnv = {}): ChildProcess {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', main, '--config', this.#configFile],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, ...environment },
      },
    )
    this.#child = child
    child.stderr.on('data', (chunk: Buffer) => {
      this.errors += chunk.toString()
    })
    return child
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<number | null> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
    return child.exitCode
  }

  async stop(): Promise<void> {
    await this.kill()
  }

  async json(path: string): Promise<unknown> {
    return await (await fetch(`http://127.0.0.1:${this.#httpPort}${path}`)).json()
  }

  async #isReady(): Promise<boolean> {
    try {
      return (await fetch(`http://127.0.0.1:${this.#httpPort}/readyz`)).ok
    } catch {
      return false
    }
  }
}
