import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'

const lastLines = 400

/** How a service was ended by SIGTERM. */
export interface Stopped {
  code: number | null
  tookMs: number
}

export interface ServiceOptions {
  environment?: Record<string, string>
  /** Of its output, the last so many. */
  keptLines?: number
}

/** A process of a fault run, which starts and ends when the run says so. It ends with this process, however that ends. */
export class Service {
  readonly name: string
  readonly args: readonly string[]
  /** Of the newest start, epoch ms. */
  startedAtMs = 0
  starts = 0
  readonly #lines: string[] = []
  readonly #environment: Record<string, string>
  readonly #keptLines: number
  /** Lines that are in the log no more. */
  droppedLines = 0
  #child: ChildProcess | undefined
  #isOver = false

  constructor(name: string, args: readonly string[], { environment = {}, keptLines = lastLines }: ServiceOptions = {}) {
    this.name = name
    this.args = args
    this.#environment = environment
    this.#keptLines = keptLines
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  get running(): boolean {
    return this.#child !== undefined
  }

  /** Its last lines. */
  get log(): string {
    return this.#lines.map((line) => `${this.name}: ${line}`).join('\n')
  }

  start(): void {
    if (this.#child || this.#isOver) return
    const env = { ...process.env, ...this.#environment }
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...this.args], {
      // The services end when the channel to who started them does.
      ...{ stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env, detached: true },
    })
    this.#child = child
    this.startedAtMs = Date.now()
    this.starts++
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => this.#line(line))
    }
    child.once('exit', (code, signal) => {
      this.#line(`ended: ${signal ?? code}`)
      if (this.#child === child) this.#child = undefined
    })
  }

  /** kill -9; false where it does not run. */
  async kill(): Promise<boolean> {
    const child = this.#child
    if (!child) return false
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
    return true
  }

  /** It runs no more until `thaw`, and notices nothing. */
  freeze(): void {
    this.#child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child?.kill('SIGCONT')
  }

  /** kill -9 for good: whoever still starts it, as a run does that is being broken off, starts nothing. */
  async end(): Promise<void> {
    this.#isOver = true
    await this.kill()
  }

  /** SIGTERM; after `withinMs` it is killed, and the code is null. */
  async stop(withinMs = 10_000): Promise<Stopped> {
    const child = this.#child
    if (!child) return { code: null, tookMs: 0 }
    const beganAt = performance.now()
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), withinMs)
    const [code] = (await gone) as [number | null]
    clearTimeout(timer)
    return { code, tookMs: performance.now() - beganAt }
  }

  /** Whether it has a file open whose path ends like this; only Linux tells. */
  hasOpen(ending: string): boolean {
    try {
      const folder = `/proc/${this.pid}/fd`
      return readdirSync(folder).some((fd) => {
        try {
          return readlinkSync(`${folder}/${fd}`).endsWith(ending)
        } catch {
          return false
        }
      })
    } catch {
      return false
    }
  }

  #line(line: string): void {
    this.#lines.push(`${new Date().toISOString().slice(11, 23)} ${line}`)
    if (this.#lines.length <= this.#keptLines) return
    this.#lines.shift()
    this.droppedLines++
  }
}
