import { expect, test } from 'vitest'
import { decodeEntry, encodeEntry, type JournalEntry, WindowKeeper } from './index.ts'

test('readings given up for lack of room leave `closed` for `dropped`, and the entry survives the journal', () => {
  const settings = { lengthMs: 60_000, latenessMs: 0, maxReadings: 100, amendForMs: 86_400_000 }
  const keeper = new WindowKeeper({ deviceOf: () => 1, kindOf: () => 'gauge', bootName: () => '' }, settings)
  const one = { length: 1, ts: Float64Array.of(1_000), seq: Float64Array.of(1), boot: Uint32Array.of(0) }
  const flags = Uint8Array.of(0)
  const batch = {
    arrivedMonotonicMs: 0,
    readings: { ...one, series: Uint32Array.of(1), value: Float64Array.of(20), flags },
    messages: { ...one, device: Uint32Array.of(1), flags },
    invalid: [],
  }
  keeper.apply({ kind: 'anchor', monotonicMs: 0, wallMs: 1_000 })
  keeper.apply({ kind: 'data', batch })
  keeper.apply({ kind: 'idle', devices: Uint32Array.of(1) })
  keeper.settle([{ device: 1, closed: 1, duplicate: 0, dropped: 0 }])
  expect(keeper.device(1)?.counts).toMatchObject({ accepted: 1, closed: 1, dropped: {} })
  const entry: JournalEntry = { kind: 'dropped', losses: [{ device: 1, readings: 1 }] }
  expect(decodeEntry(encodeEntry(entry))).toEqual(entry)
  keeper.apply(entry)
  expect(keeper.device(1)?.counts).toMatchObject({ accepted: 1, closed: 0, open: 0, dropped: { full: 1 } })
})
