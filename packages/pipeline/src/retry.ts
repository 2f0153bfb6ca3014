import { setTimeout as delay } from 'node:timers/promises'
import { RejectedError } from './stages.ts'

export interface BackoffLimits {
  minMs: number
  maxMs: number
}

export interface RetryOptions extends BackoffLimits {
  /** Ends the waiting and the trying; `retry` then rejects with its reason. */
  signal: AbortSignal
  /** Told of each failure before the wait. */
  onFailure?: (error: unknown, waitMs: number, tries: number) => void
  random?: () => number
  /** Real time unless a test brings its own. */
  wait?: (ms: number, signal: AbortSignal) => Promise<void>
}

/** Wait in ms before the next try after `tries` failures: full jitter between minMs and the doubling bound. */
export function backoff(tries: number, { minMs, maxMs }: BackoffLimits, random: () => number = Math.random): number {
  const bound = Math.min(maxMs, minMs * 2 ** Math.min(tries, 40))
  return minMs + random() * Math.max(0, bound - minMs)
}

/** Resolves after `ms` of real time; rejects with the signal's reason when it ends first. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, signal ? { signal } : {})
  } catch {
    throw signal?.reason
  }
}

/** Repeats `attempt` until it succeeds, is refused for good (RejectedError) or the signal ends it. */
export async function retry<T>(attempt: (tries: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, onFailure, random, wait = pause } = options
  for (let tries = 0; ; tries++) {
    signal.throwIfAborted()
    try {
      return await attempt(tries)
    } catch (error) {
      if (error instanceof RejectedError) throw error
      signal.throwIfAborted()
      const waitMs = backoff(tries + 1, options, random)
      onFailure?.(error, waitMs, tries + 1)
      await wait(waitMs, signal)
    }
  }
}
