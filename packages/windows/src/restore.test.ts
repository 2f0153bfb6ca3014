import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  data,
  hourMs,
  minuteMs,
  settings,
  TestAgent,
  type TestMessage,
  type TestReading,
  t0,
  unaccounted,
} from '../testing/harness.ts'
import type { JournalEntry } from './types.ts'

/** Times on both scales: what is unstamped has a time on the monotonic one. */
const stamp = fc.oneof(
  { weight: 8, arbitrary: fc.record({ ts: fc.integer({ min: -30, max: 90 }).map((n) => t0 + n * 20_000) }) },
  { weight: 1, arbitrary: fc.record({ ts: fc.constant(t0 + 3 * hourMs) }) },
  { weight: 1, arbitrary: fc.record({ ts: fc.constant(t0 - 30 * hourMs) }) },
  { weight: 2, arbitrary: fc.record({ ts: fc.double({ min: 0, max: 600_000, noNaN: true }), flags: fc.constant(1) }) },
)
const numbered = { seq: fc.option(fc.nat(30), { nil: undefined }), boot: fc.nat(6) }
const reading: fc.Arbitrary<TestReading> = fc
  .tuple(
    fc.record({ series: fc.constantFrom(10, 11, 15, 20, 30), value: fc.constantFrom(0, -0, 1.5, 7), ...numbered }),
    stamp,
  )
  .map(([row, at]) => ({ ...row, ...at }))
const message: fc.Arbitrary<TestMessage> = fc
  .tuple(fc.record({ device: fc.constantFrom(1, 2, 3), ...numbered }), stamp)
  .map(([row, at]) => ({ ...row, ...at }))
const devices = fc.subarray([1, 2, 3]).map((ids) => Uint32Array.from(ids))

const entry: fc.Arbitrary<JournalEntry> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc
      .tuple(
        fc.array(reading, { maxLength: 12 }),
        fc.array(message, { maxLength: 6 }),
        fc.nat(600_000),
        fc.array(fc.constant({ device: 1, reason: 'bad-value', count: 2 }), { maxLength: 1 }),
      )
      .map(([readings, messages, arrivedMonotonicMs, invalid]) =>
        data(readings, { messages, arrivedMonotonicMs, invalid }),
      ),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('idle' as const), devices }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('retire' as const), devices }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('start' as const), epoch: fc.constantFrom('a', 'b') }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('anchor' as const),
      monotonicMs: fc.nat(600_000),
      wallMs: fc.nat(600_000).map((ms) => t0 + ms),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('span' as const),
      amendSpanMs: fc.constantFrom(10 * minuteMs, hourMs, 24 * hourMs),
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({
        lengthMs: fc.constantFrom(minuteMs, 5 * minuteMs, 10_000),
        latenessMs: fc.constantFrom(0, 5_000, 10 * minuteMs),
        maxReadings: fc.constantFrom(3, 5),
        amendForMs: fc.constantFrom(hourMs, 24 * hourMs),
      })
      .map((changed) => ({ kind: 'settings' as const, settings: changed })),
  },
)
const journal = fc.array(entry, { maxLength: 25 })
const small = { ...settings, maxReadings: 5 }

function view(agent: TestAgent) {
  const { sets, completeness, saved, sent, sentCompleteness, setAside } = agent
  return { sets, completeness, saved, sent, sentCompleteness, setAside, devices: [...agent.keeper.devices()] }
}

describe('a keeper restored from a checkpoint and given the rest of the journal', () => {
  it('equals the keeper that never stopped, byte for byte, wherever it was killed', () => {
    fc.assert(
      fc.property(journal, fc.array(fc.nat(24)), fc.array(fc.nat(24)), (entries, checkpoints, kills) => {
        const steady = new TestAgent(small)
        const killed = new TestAgent(small)
        for (const [i, next] of entries.entries()) {
          steady.apply(next)
          killed.apply(next)
          if (kills.includes(i)) killed.kill()
          if (!checkpoints.includes(i)) continue
          steady.checkpoint()
          killed.checkpoint()
          if (kills.includes(i)) killed.kill()
        }
        steady.checkpoint()
        killed.checkpoint()
        expect(view(killed)).toEqual(view(steady))
      }),
      { numRuns: 600 },
    )
  })

  it('closes the same windows in the same order, whenever checkpoints are taken', () => {
    fc.assert(
      fc.property(journal, fc.array(fc.nat(24)), (entries, checkpoints) => {
        const seldom = new TestAgent(small).apply(...entries).checkpoint()
        const often = new TestAgent(small)
        for (const [i, next] of entries.entries()) {
          often.apply(next)
          if (checkpoints.includes(i)) often.checkpoint()
        }
        often.checkpoint()
        expect(often.sent).toEqual(seldom.sent)
        expect(often.sentCompleteness).toEqual(seldom.sentCompleteness)
        expect(often.sets).toEqual(seldom.sets)
      }),
      { numRuns: 300 },
    )
  })
})

describe('accounts', () => {
  it('balance for every device after every entry and every checkpoint', () => {
    fc.assert(
      fc.property(journal, fc.array(fc.nat(24)), (entries, checkpoints) => {
        const agent = new TestAgent(small)
        for (const [i, next] of entries.entries()) {
          agent.apply(next)
          expect(unaccounted(agent.keeper).every((difference) => difference === 0)).toBe(true)
          if (checkpoints.includes(i)) agent.checkpoint()
          expect(unaccounted(agent.keeper).every((difference) => difference === 0)).toBe(true)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('count every reading that arrived, and end with nothing open once all is closed', () => {
    fc.assert(
      fc.property(journal, (entries) => {
        const agent = new TestAgent(small)
        agent
          .apply(...entries, { kind: 'anchor', monotonicMs: 0, wallMs: t0 })
          .idle(1, 2, 3)
          .checkpoint()
        const arrived = entries.flatMap((e) => (e.kind === 'data' ? [e.batch] : []))
        const readings = arrived.reduce(
          (sum, batch) => sum + batch.readings.length + batch.invalid.reduce((n, { count }) => n + count, 0),
          0,
        )
        const counts = [...agent.keeper.devices()].map((device) => device.counts)
        expect(counts.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(readings)
        expect(counts.every(({ open }) => open === 0)).toBe(true)
        const aside = agent.setAside.counts.reduce((sum, { count }) => sum + count, 0)
        const inCounts = counts.reduce(
          (sum, c) => sum + c.tooLate + (c.invalid.future ?? 0) + (c.dropped['over-rate'] ?? 0),
          0,
        )
        expect(aside).toBeLessThanOrEqual(inCounts)
      }),
      { numRuns: 300 },
    )
  })
})
