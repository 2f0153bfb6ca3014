import { type BackoffLimits, backoff, type Logger, pause, RejectedError, retry } from '@millrace/pipeline'
import { type Channel, NotDeliveredError, type Notice } from './types.ts'

/** What became of a notice. `outdated`: it certainly did not arrive, and is to be made anew of what there is to say then. */
export type Outcome = { kind: 'arrived' } | { kind: 'refused'; reason: string } | { kind: 'outdated' }

export interface DeliveryOptions {
  name: string
  channel: Channel
  timeoutMs: number
  backoff: BackoffLimits
  log: Logger
  isOutdated(): boolean
}

const maxRetryAfterMs = 3_600_000

/** What a channel may still say of itself once its time is over. */
const lastWordMs = 250

/** Rejects when `ms` have passed, with the channel's own reason where it gives one, even if it does not look at its signal. */
export async function sendWithin(channel: Channel, notice: Notice, limits: { ms: number; signal: AbortSignal }) {
  const timeout = AbortSignal.timeout(limits.ms)
  const signal = AbortSignal.any([timeout, limits.signal])
  const ended = Promise.withResolvers<never>()
  const reason = () => (limits.signal.aborted ? limits.signal.reason : new Error(`no answer within ${limits.ms} ms`))
  let lastWord: NodeJS.Timeout | undefined
  const end = () => {
    lastWord = setTimeout(() => ended.reject(reason()), limits.signal.aborted ? 0 : lastWordMs)
  }
  signal.addEventListener('abort', end, { once: true })
  try {
    await Promise.race([channel.send(notice, signal), ended.promise])
  } catch (error) {
    throw error === signal.reason ? reason() : error
  } finally {
    signal.removeEventListener('abort', end)
    clearTimeout(lastWord)
  }
}

/** Repeats one notice at a time to one channel until it has it or will never take it. */
export class Delivery {
  readonly #options: DeliveryOptions
  #failures = 0
  #error: string | null = null

  constructor(options: DeliveryOptions) {
    this.#options = options
  }

  /** Why the channel fails, or what it refused last; null since its last success. */
  get error(): string | null {
    return this.#error
  }

  /** `mayHaveArrived`: an earlier process may have sent it, so it is repeated as it is. Rejects only with the signal's reason, where it may have arrived. */
  async deliver(notice: Notice, mayHaveArrived: boolean, signal: AbortSignal): Promise<Outcome> {
    const { channel, timeoutMs, backoff: limits, isOutdated } = this.#options
    let certain = !mayHaveArrived
    let askedMs = 0
    let onTheWay = false
    const attempt = async (tries: number): Promise<Outcome> => {
      if (tries > 0 && certain && isOutdated()) return { kind: 'outdated' }
      onTheWay = true
      await sendWithin(channel, notice, { ms: timeoutMs, signal })
      return { kind: 'arrived' }
    }
    const onFailure = (error: unknown) => {
      onTheWay = false
      certain &&= error instanceof NotDeliveredError
      askedMs = error instanceof NotDeliveredError ? Math.min(error.retryAfterMs, maxRetryAfterMs) : 0
      this.#failed(error)
    }
    const wait = (_ms: number, ended: AbortSignal) => pause(Math.max(askedMs, backoff(this.#failures, limits)), ended)
    try {
      const outcome = await retry(attempt, { signal, ...limits, onFailure, wait })
      if (outcome.kind === 'arrived') this.#arrived()
      return outcome
    } catch (error) {
      if (error instanceof RejectedError) return this.#refused(error.message)
      if (certain && !onTheWay) return { kind: 'outdated' }
      throw error
    }
  }

  #refused(reason: string): Outcome {
    this.#failures = 0
    this.#tell(`refused: ${reason}`)
    return { kind: 'refused', reason }
  }

  #arrived(): void {
    const { name, log } = this.#options
    if (this.#failures > 0) log.info({ channel: name }, 'the channel takes notices again')
    this.#failures = 0
    this.#error = null
  }

  #failed(error: unknown): void {
    this.#failures += 1
    this.#tell(error instanceof Error ? error.message : String(error))
  }

  #tell(problem: string): void {
    const { name, log } = this.#options
    if (problem !== this.#error) log.warn({ channel: name, problem }, 'a notice could not be delivered')
    this.#error = problem
  }
}
