import { expect, it } from 'vitest'
import { BatchBuilder } from './batch-builder.ts'
import { createDecoder } from './index.ts'
import { TestNames } from './testing.ts'

it('a clock is judged by the arrival of its own message, also where one from elsewhere arrived later and came first', () => {
  const seen: [device: number, delayMs: number][] = []
  const columns = new BatchBuilder({ see: (device, ts, arrivedMs) => seen.push([device, arrivedMs - ts]) })
  const names = new TestNames()
  const decoder = createDecoder({ names, columns })
  const ts = Date.UTC(2026, 0, 1)
  // A hub's partition that is an hour ahead of another, and that one.
  for (const [device, behindMs] of [['ahead', 0] as const, ['behind', 3_600_000] as const]) {
    const body = Buffer.from(JSON.stringify({ ts: ts - behindMs, readings: { temperature: 20 } }))
    decoder.decode({ topic: `telemetry/hall/${device}`, body }, 5_000_000 - behindMs)
  }
  expect(seen.map(([, delayMs]) => delayMs + ts)).toEqual([5_000_000, 5_000_000])
  expect(columns.take().arrivedMonotonicMs).toBe(5_000_000)
})
