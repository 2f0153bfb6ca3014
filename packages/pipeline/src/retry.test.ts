import { expect, test } from 'vitest'
import { backoff, pause, RejectedError, retry } from './index.ts'

const limits = { minMs: 100, maxMs: 1000 }

test('the wait has full jitter between the least and a bound that doubles up to the most', () => {
  expect([1, 2, 3, 4, 60].map((tries) => backoff(tries, limits, () => 1))).toEqual([200, 400, 800, 1000, 1000])
  expect([1, 2, 60].map((tries) => backoff(tries, limits, () => 0))).toEqual([100, 100, 100])
})

test('failures are tried again until one try succeeds', async () => {
  const waits: number[] = []
  const failures: unknown[] = []
  const result = await retry(
    async (tries) => {
      if (tries < 3) throw new Error(`try ${tries}`)
      return tries
    },
    {
      ...limits,
      signal: new AbortController().signal,
      random: () => 0.5,
      wait: async (ms) => void waits.push(ms),
      onFailure: (error) => failures.push((error as Error).message),
    },
  )
  expect(result).toBe(3)
  expect(waits).toEqual([150, 250, 450])
  expect(failures).toEqual(['try 0', 'try 1', 'try 2'])
})

test('what is refused for good is not tried again', async () => {
  let tries = 0
  const refused = new RejectedError('too old', new Map([[0, 'beyond-retention']]))
  const work = retry(
    async () => {
      tries++
      throw refused
    },
    { ...limits, signal: new AbortController().signal },
  )
  await expect(work).rejects.toBe(refused)
  expect(tries).toBe(1)
})

test('the signal ends the waiting at once, with its reason', async () => {
  const stop = new AbortController()
  const reason = new Error('stopping')
  const work = retry(
    async () => {
      queueMicrotask(() => stop.abort(reason))
      throw new Error('no')
    },
    { minMs: 60_000, maxMs: 60_000, signal: stop.signal },
  )
  await expect(work).rejects.toBe(reason)
  await expect(pause(60_000, stop.signal)).rejects.toBe(reason)
})
