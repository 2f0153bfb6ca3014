import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { MillraceError, pause } from '@millrace/pipeline'
import { type App, appArguments } from '../apps.ts'

export interface ProcessSpec {
  name: string
  app: App
  args: readonly string[]
  /** Answers whether the process does its work; asked until it does. Without it, one that runs for a while does. */
  ready?(): Promise<boolean>
  /** Its end with exit code 0 is the end of its work. */
  mayEnd?: boolean
}

export interface ProcessEvents {
  line(name: string, text: string): void
  started(name: string): void
  died(name: string, how: string, waitMs: number): void
  ended(name: string): void
  /** It refuses to run as it is told to, and is not started again. */
  refused(error: MillraceError): void
}

const firstWaitMs = 200
const longestWaitMs = 5000
/** A process that ran for this long was sound: its back-off begins anew. */
const soundAfterMs = 3000
/** Nobody can ask whether it is ready: what it says so soon is about its settings, on a slow machine too. */
const readsSettingsWithinMs = 20_000
const readyWithinMs = 60_000
const keptLines = 20
const wrongUsage = 2

const howItEnded = (code: number | null, signal: NodeJS.Signals | null) => signal ?? `exit code ${code}`

/** One process of the stack: started, and started again whenever it dies, until it is told to stop. */
export class Supervised {
  readonly spec: ProcessSpec
  readonly #events: ProcessEvents
  readonly #lastLines: string[] = []
  #child: ChildProcess | undefined
  #startedAt = 0
  #failures = 0
  #stopping = false
  #ended = false
  #wasSound = false
  #timer: NodeJS.Timeout | undefined
  restarts = 0

  constructor(spec: ProcessSpec, events: ProcessEvents) {
    this.spec = spec
    this.#events = events
  }

  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  /** Resolves when it is ready; rejects where it cannot run at all, with its last lines. */
  async start(signal: AbortSignal): Promise<void> {
    this.#spawn()
    const deadline = performance.now() + readyWithinMs
    while (!(await this.#isReady())) {
      signal.throwIfAborted()
      if (performance.now() > deadline) throw this.#failure(`is not ready after ${readyWithinMs / 1000} s`)
      await pause(50, signal)
    }
  }

  /** Ends it at once, as a power cut would. */
  kill(): void {
    this.#child?.kill('SIGKILL')
  }

  /** Tells it to stop; after `withinMs` it is ended. */
  async stop(withinMs: number): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#timer)
    const child = this.#child
    if (!child) return
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), withinMs)
    await gone
    clearTimeout(timer)
  }

  async #isReady(): Promise<boolean> {
    if (this.#ended) return true
    if (this.#refusal) throw this.#refusal
    if (!this.spec.ready) return true
    this.#wasSound = this.#child !== undefined && (await this.spec.ready())
    return this.#wasSound
  }

  #refusal: MillraceError | undefined

  #spawn(): void {
    const { app, args, name } = this.spec
    const child = spawn(process.execPath, appArguments(app, args), {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Of its own group: a Ctrl-C at the terminal is for the supervisor, which stops them in order.
      detached: true,
    })
    this.#child = child
    this.#startedAt = performance.now()
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.#line(line))
    }
    child.on('error', (error) => this.#line(error.message))
    child.once('exit', (code, signal) => this.#exited(code, signal))
    this.#events.started(name)
  }

  #line(text: string): void {
    this.#lastLines.push(text)
    if (this.#lastLines.length > keptLines) this.#lastLines.shift()
    this.#events.line(this.spec.name, text)
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    this.#child = undefined
    if (this.#stopping) return
    if (code === 0 && this.spec.mayEnd) {
      this.#ended = true
      this.#events.ended(this.spec.name)
      return
    }
    // A wrong setting will not mend itself; a server that is away may come.
    if (!this.spec.ready) this.#wasSound ||= performance.now() - this.#startedAt > readsSettingsWithinMs
    if (code === wrongUsage && !this.#wasSound) {
      this.#refusal = this.#failure('cannot start')
      this.#events.refused(this.#refusal)
    } else this.#restart(howItEnded(code, signal))
  }

  #restart(how: string): void {
    if (performance.now() - this.#startedAt > soundAfterMs) this.#failures = 0
    const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** this.#failures++)
    this.restarts++
    this.#events.died(this.spec.name, how, waitMs)
    this.#timer = setTimeout(() => this.#spawn(), waitMs)
  }

  #failure(what: string): MillraceError {
    const said = this.#lastLines.map((line) => `  ${line}`).join('\n')
    return new MillraceError('usage', `${this.spec.name} ${what}${said ? `; it said:\n${said}` : ''}`)
  }
}
