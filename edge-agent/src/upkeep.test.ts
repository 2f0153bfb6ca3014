import { manualClock } from '@millrace/pipeline'
import { type JournalEntry, WindowKeeper } from '@millrace/windows'
import { describe, expect, it } from 'vitest'
import { BatchBuilder } from './decode/index.ts'
import { Names } from './names.ts'
import { Upkeep } from './upkeep.ts'

const minute = 60_000
const day = 1_440 * minute
const startMs = Date.UTC(2026, 0, 1)

function fixture({ anchored = true } = {}) {
  const clock = manualClock(startMs)
  const names = new Names({ site: 'hall', maxSeries: 100 })
  const settings = { lengthMs: minute, latenessMs: 5_000, maxReadings: 1_000, amendForMs: day }
  const keeper = new WindowKeeper(names, settings)
  keeper.apply({ kind: 'start', epoch: 'e' })
  if (anchored) keeper.apply({ kind: 'anchor', monotonicMs: 0, wallMs: startMs })
  const upkeep = new Upkeep({ keeper, clock, idleMs: undefined, amendForMs: day, amendMaxBytes: 1_000 })
  const columns = new BatchBuilder()
  const read = (name: string, ts: number) => {
    const device = names.device('hall', name)
    columns.arrived(clock.monotonic())
    columns.push(names.series(device, 'temperature'), 20)
    columns.seal(0, device, { ts, seq: Number.NaN, boot: 0, flags: 0 })
    columns.took(device, 1)
    keeper.apply({ kind: 'data', batch: columns.take() })
    return device
  }
  const obey = (entries: (JournalEntry | undefined)[]) => {
    for (const entry of entries) if (entry) keeper.apply(entry)
  }
  return { clock, keeper, upkeep, read, obey }
}

describe('upkeep', () => {
  it('closes the windows of a device that is silent for two windows, and of no other', () => {
    const { clock, keeper, upkeep, read, obey } = fixture()
    upkeep.listening()
    const silent = read('silent', startMs)
    clock.advance(90_000)
    read('talking', startMs)
    clock.advance(30_000)
    const entries = upkeep.silence()
    expect(entries).toEqual([{ kind: 'idle', devices: Uint32Array.of(silent) }])
    obey(entries)
    expect(keeper.takeClosings().windows.map(({ device }) => device)).toEqual([silent])
    expect(upkeep.silence()).toEqual([])
  })

  it('closes the last good window of a device whose clock ran ahead, though it goes on sending from the future', () => {
    const { clock, keeper, upkeep, read, obey } = fixture()
    upkeep.listening()
    const device = read('ahead', startMs)
    let entries = 0
    for (let s = 0; s < 240; s += 2) {
      clock.advance(2_000)
      read('ahead', startMs + 60 * minute + s * 1_000)
      const due = upkeep.silence()
      entries += due.length
      obey(due)
    }
    expect(keeper.takeClosings().windows.map((window) => window.device)).toEqual([device])
    expect(keeper.device(device)?.counts).toMatchObject({ accepted: 121, invalid: { future: 120 } })
    expect(entries).toBe(2)
  })

  it('counts silence from the moment the agent listens: while it was away nobody could be heard', () => {
    const { clock, upkeep, read } = fixture()
    const device = read('d', startMs)
    clock.advance(10 * minute)
    expect(upkeep.silence()).toEqual([])
    upkeep.listening()
    clock.advance(2 * minute - 1)
    expect(upkeep.silence()).toEqual([])
    clock.advance(1)
    expect(upkeep.silence()).toEqual([{ kind: 'idle', devices: Uint32Array.of(device) }])
  })

  it('gives up the sets of a device after a week of silence, once, and none of one that never had a reading', () => {
    const { clock, keeper, upkeep, read, obey } = fixture()
    upkeep.listening()
    const device = read('d', startMs)
    const never = read('never', startMs + 60 * minute)
    expect(keeper.device(never)?.counts).toMatchObject({ accepted: 1, invalid: { future: 1 } })
    clock.advance(2 * minute)
    obey(upkeep.silence())
    clock.advance(7 * day)
    const retired = upkeep.silence()
    expect(retired).toEqual([{ kind: 'retire', devices: Uint32Array.of(device) }])
    obey(retired)
    clock.advance(1_000)
    expect(upkeep.silence()).toEqual([])
  })

  it('does nothing before the agent knows the time', () => {
    const { clock, upkeep, read } = fixture({ anchored: false })
    upkeep.listening()
    read('d', startMs)
    clock.advance(10 * minute)
    expect(upkeep.silence()).toEqual([])
  })

  it('lets a device go that is silent for a week, once', () => {
    const { clock, keeper, upkeep, read, obey } = fixture()
    upkeep.listening()
    const device = read('d', startMs)
    clock.advance(2 * minute)
    obey(upkeep.silence())
    clock.advance(7 * day)
    const entries = upkeep.silence()
    expect(entries).toEqual([{ kind: 'retire', devices: Uint32Array.of(device) }])
    obey(entries)
    expect(keeper.device(device)!.floorMs).toBeGreaterThan(startMs)
    expect(upkeep.silence()).toEqual([])
  })

  it('shrinks the amendment span while the sets are over their budget, and lets it grow back', () => {
    const { keeper, upkeep, obey } = fixture()
    const spans: number[] = []
    for (let step = 0; step < 60; step++) {
      obey([upkeep.span(2_000)])
      spans.push(keeper.amendSpanMs)
    }
    expect(spans.slice(0, 2)).toEqual([0.8 * day, 0.64 * day])
    expect(spans.at(-1)).toBe(2 * minute)
    expect(upkeep.span(2_000)).toBeUndefined()
    expect(upkeep.span(900)).toBeUndefined()
    for (let step = 0; step < 60; step++) obey([upkeep.span(100)])
    expect(keeper.amendSpanMs).toBe(day)
    expect(upkeep.span(100)).toBeUndefined()
  })
})
