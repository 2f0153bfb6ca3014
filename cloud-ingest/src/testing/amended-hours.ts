import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manualClock } from '@millrace/pipeline'
import { expect } from 'vitest'
import type { Store, StoredRow } from '../stored.ts'
import { minuteMs } from './rows.ts'
import { StepByStep } from './step-by-step.ts'

const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
/** Days of this zone begin at 18:30 UTC, and never change length. */
const zone = 'Asia/Kolkata'
const zoneOffsetMs = 5.5 * hourMs

interface Reading {
  ts: number
  value: number
}

function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
}

/** Plain arithmetic over all readings of a span; shares nothing with the merge. */
function recount(readings: readonly Reading[]) {
  const sorted = readings.toSorted((a, b) => a.ts - b.ts)
  const values = sorted.map(({ value }) => value).toSorted((a, b) => a - b)
  const sum = values.reduce((total, value) => total + value, 0)
  const mean = sum / values.length
  const variance = values.reduce((total, value) => total + (value - mean) ** 2, 0) / values.length
  const rank = (q: number) => values[Math.ceil(q * values.length) - 1]!
  return {
    exact: {
      ...{ count: values.length, sum, min: values[0], max: values.at(-1) },
      ...{ firstTs: sorted[0]!.ts, lastTs: sorted.at(-1)!.ts, first: sorted[0]!.value, last: sorted.at(-1)!.value },
    },
    close: { mean, stddev: Math.sqrt(variance), p50: rank(0.5), p95: rank(0.95), p99: rank(0.99) },
  }
}

function checkRow(row: StoredRow, readings: readonly Reading[]): void {
  const { exact, close } = recount(readings)
  expect(row).toMatchObject(exact)
  for (const [name, value] of Object.entries(close)) {
    const tolerance = name.startsWith('p') ? 0.0101 : 1e-9
    expect(Math.abs(row[name as 'mean'] - value), name).toBeLessThanOrEqual(Math.abs(value) * tolerance)
  }
}

/** Where `setOf` in rows.ts puts the values of a minute. */
function readingsOf(start: number, values: readonly number[]): Reading[] {
  const step = minuteMs / (values.length + 1)
  return values.map((value, index) => ({ ts: start + Math.floor(step * index), value }))
}

export interface AmendedOptions {
  store: Store
  /** Near the present, for stores that go by the wall clock. */
  nowMs: number
  messages: number
}

/** Minutes of two days come in any order and are amended again and again; after each message hours and days are right. */
export async function checkAmendedHours({ store, nowMs, messages }: AmendedOptions): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-amended-'))
  const steps = await StepByStep.open({ dataDir, store, clock: manualClock(nowMs), zone })
  const random = randomFrom(7)
  const midnight = Math.floor((nowMs + zoneOffsetMs) / dayMs) * dayMs - zoneOffsetMs
  const minutes = new Map<number, { rev: number; values: number[] }>()
  const revs = new Map<string, number>()
  try {
    for (let seq = 0; seq < messages; seq++) {
      const rows = new Map<number, { start: number; rev: number; values: number[] }>()
      for (let row = 0; row < 3; row++) {
        const start = midnight + (random(12) - 6) * 20 * minuteMs
        const known = minutes.get(start)
        const values = [...(known?.values ?? []), ...Array.from({ length: 1 + random(4) }, () => random(2_000) - 500)]
        const minute = { rev: (known?.rev ?? -1) + (rows.has(start) ? 0 : 1), values }
        minutes.set(start, minute)
        rows.set(start, { start, ...minute })
      }
      await steps.send({ seq, rows: [...rows.values()] })
      await checkTier(store, { tier: 'hours', minutes, revs, startOf: (ts) => Math.floor(ts / hourMs) * hourMs })
      const dayOf = (ts: number) => Math.floor((ts + zoneOffsetMs) / dayMs) * dayMs - zoneOffsetMs
      await checkTier(store, { tier: 'days', minutes, revs, startOf: dayOf })
    }
    expect([...minutes.values()].some(({ rev }) => rev > 3)).toBe(true)
  } finally {
    await steps.close()
    rmSync(dataDir, { recursive: true })
  }
}

interface TierCheck {
  tier: 'hours' | 'days'
  minutes: ReadonlyMap<number, { values: readonly number[] }>
  revs: Map<string, number>
  startOf(ts: number): number
}

async function checkTier(store: Store, { tier, minutes, revs, startOf }: TierCheck): Promise<void> {
  const spans = new Map<number, Reading[]>()
  for (const [start, { values }] of minutes) {
    const span = startOf(start)
    spans.set(span, [...(spans.get(span) ?? []), ...readingsOf(start, values)])
  }
  const series = { site: 'north', device: 'pump', metric: 'temperature' }
  const [found] = await store.readRows(tier, [{ ...series, from: 0, to: 1e14 }])
  expect(found!.map(({ start }) => start)).toEqual([...spans.keys()].toSorted((a, b) => a - b))
  for (const row of found!) {
    checkRow(row, spans.get(row.start)!)
    const key = `${tier}/${row.start}`
    expect(row.rev).toBeGreaterThanOrEqual(revs.get(key) ?? 0)
    revs.set(key, row.rev)
  }
}
