import { type Logger, pause } from '@millrace/pipeline'
import type { HubClient, HubTwin } from './sdk.ts'

export interface TwinReaderOptions {
  log: Logger
  onDesired(desired: Readonly<Record<string, unknown>>): void
}

const answerMs = 30_000
const againMs = 60_000

/**
 * The desired properties as the hub has them. A change is a reason to read all of them again: the SDK merges arrays
 * item by item, and what changed while there was no connection is in no patch.
 */
export class TwinReader {
  readonly #client: HubClient
  readonly #options: TwinReaderOptions
  readonly #stopped = new AbortController()
  #twin: HubTwin | undefined
  #newest = -1
  #reading = false

  constructor(client: HubClient, options: TwinReaderOptions) {
    this.#client = client
    this.#options = options
  }

  start(): void {
    this.#follow().catch((error: unknown) => {
      if (!this.#stopped.signal.aborted) this.#options.log.warn({ error }, 'the twin could not be read')
    })
  }

  stop(): void {
    this.#stopped.abort(new Error('the connection is over'))
  }

  async report(patch: Readonly<Record<string, unknown>>): Promise<void> {
    const twin = this.#twin
    if (!twin) throw new Error('the twin has not been read yet')
    await this.#answered(
      new Promise<void>((resolve, reject) => {
        const reported = twin.properties.reported as { update(state: unknown, done: (error?: Error) => void): void }
        reported.update(patch, (error) => (error ? reject(error) : resolve()))
      }),
    )
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stopped
    while (!this.#twin) {
      try {
        this.#twin = await this.#answered(this.#client.getTwin() as Promise<HubTwin>)
      } catch (error) {
        signal.throwIfAborted()
        this.#options.log.warn({ error, againMs }, 'the hub did not answer with the twin')
        await pause(againMs, signal)
      }
    }
    // The listener subscribes; only what is read after that misses no change.
    this.#twin.on('error', () => undefined)
    this.#twin.on('properties.desired', (change: unknown) => this.#changed(change))
    await this.#read(this.#twin)
  }

  #changed(change: unknown): void {
    const version = (change as { $version?: unknown } | null)?.$version
    if (typeof version === 'number' && version <= this.#newest) return
    if (typeof version === 'number') this.#newest = version
    if (this.#twin && !this.#reading) this.#read(this.#twin).catch(() => undefined)
  }

  async #read(twin: HubTwin): Promise<void> {
    this.#reading = true
    try {
      for (let seen = -2; seen < this.#newest; ) {
        await this.#answered(twin.get())
        const desired = structuredClone(twin.properties.desired) as Record<string, unknown>
        // Every twin has a version; what has none would pass for a wish to have nothing set.
        if (typeof desired.$version !== 'number') throw new Error('the twin has no version')
        seen = desired.$version
        this.#newest = Math.max(this.#newest, seen)
        if (seen === this.#newest) this.#options.onDesired(desired)
      }
    } finally {
      this.#reading = false
    }
  }

  /** The SDK waits for an answer of the twin for ever. */
  async #answered<T>(answer: Promise<T>): Promise<T> {
    const done = new AbortController()
    const late = async (): Promise<never> => {
      await pause(answerMs, AbortSignal.any([this.#stopped.signal, done.signal]))
      throw new Error('no answer about the twin')
    }
    answer.catch(() => undefined)
    try {
      return await Promise.race([answer, late()])
    } finally {
      done.abort(new Error('answered'))
    }
  }
}
