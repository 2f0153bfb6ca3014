import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CompletenessRow, Store, StoreBatch, StoredRow } from '../../stored.ts'
import { alertOf } from '../../testing/alerts.ts'
import { minuteMs, type RowSpec, storedRow } from '../../testing/rows.ts'

export interface StoreUnderTest {
  store: Store
  /** Closes the store and opens it again on the same data. */
  reopen(): Promise<Store>
  dispose(): Promise<void>
}

/** Near the present, as some stores go by the wall clock: the start of the running hour. */
const now = Math.floor(Date.now() / 3_600_000) * 3_600_000
const wide = { site: 'north', device: 'pump', metric: 'temperature', from: now - 1e9, to: now + 1e9 }
const hourMs = 60 * minuteMs

function rowAt(spec: RowSpec = {}): StoredRow {
  return storedRow({ start: now, ...spec })
}

function withoutWritten(rows: readonly StoredRow[]): StoredRow[] {
  return rows.map(({ writtenMs: _written, ...row }) => row)
}

/** What every store must hold to, whatever it is made of. */
export function testStore(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`${name} as a store`, () => {
    let tested: StoreUnderTest
    let store: Store
    beforeEach(async () => {
      tested = await create()
      store = tested.store
    })
    afterEach(async () => await tested.dispose())

    const read = async (range = wide) => withoutWritten((await store.readRows('minutes', [range]))[0]!)

    test('a row reads back exactly as it was written', async () => {
      const values = [-1e-300, 1 / 3, 0.1 + 0.2, 1e100, -98.6, 5e-324, 123456789.123456]
      const row = rowAt({ values, metric: 'temperature' })
      const counter = rowAt({ values: [1, 5, 2], metric: 'energy' })
      expect(await store.write({ rows: [row, counter], completeness: [] })).toEqual([])
      expect(await read()).toEqual([row])
      expect(await read({ ...wide, metric: 'energy' })).toEqual([counter])
    })

    test('writing a batch twice equals writing it once', async () => {
      const rows = Array.from({ length: 500 }, (_, index) => rowAt({ start: now + index * minuteMs, values: [index] }))
      await store.write({ rows, completeness: [] })
      await store.write({ rows, completeness: [] })
      expect(await read()).toEqual(rows)
    })

    test('a later write of a key replaces the whole row, and its neighbours stay', async () => {
      const rows = [0, 1, 2].map((index) => rowAt({ start: now + index * minuteMs }))
      await store.write({ rows, completeness: [] })
      const newer = { ...rowAt({ start: now + minuteMs, values: [7, 8, 9, 10], rev: 1 }), amended: 1 }
      await store.write({ rows: [newer], completeness: [] })
      expect(await read()).toEqual([rows[0], newer, rows[2]])
    })

    test('ranges hold their first moment and not their last, and are answered in the order asked', async () => {
      const rows = [0, 1, 2, 3].map((index) => rowAt({ start: now + index * minuteMs }))
      const other = rowAt({ device: 'fan' })
      await store.write({ rows: [...rows, other], completeness: [] })
      const range = { ...wide, from: now + minuteMs, to: now + 3 * minuteMs }
      const found = await store.readRows('minutes', [{ ...wide, device: 'fan' }, range, { ...wide, device: 'none' }])
      expect(found.map(withoutWritten)).toEqual([[other], [rows[1], rows[2]], []])
    })

    test('readings are counted by device over a span, whatever the length of the windows, without hours and days', async () => {
      const rows = [0, 1, 2].map((index) => rowAt({ start: now + index * minuteMs, values: [1, 2, 3, 4] }))
      const short = rowAt({ start: now, lengthMs: 10_000, values: [1] })
      const others = [
        rowAt({ device: 'fan', values: [1, 2] }),
        rowAt({ lengthMs: hourMs }),
        rowAt({ metric: 'flow', values: [5] }),
      ]
      await store.write({ rows: [...rows, short, ...others], completeness: [] })
      const counts = await store.readCounts({ from: now, to: now + 2 * minuteMs })
      expect(counts.sort((a, b) => (a.device < b.device ? -1 : 1))).toEqual([
        { site: 'north', device: 'fan', readings: 2 },
        { site: 'north', device: 'pump', readings: 10 },
      ])
      expect(await store.readCounts({ from: now - hourMs, to: now })).toEqual([])
    })

    test('windows of any length are minutes; hours and days are kept apart', async () => {
      const short = rowAt({ start: now, lengthMs: 10_000 })
      const long = rowAt({ start: now + 30 * minuteMs, lengthMs: 30 * minuteMs })
      const hour = rowAt({ lengthMs: hourMs })
      const day = rowAt({ start: now - 12 * hourMs, lengthMs: 23 * hourMs })
      await store.write({ rows: [short, long, hour, day], completeness: [] })
      expect(await read()).toEqual([short, long])
      expect((await store.readRows('hours', [wide])).map(withoutWritten)).toEqual([[hour]])
      expect((await store.readRows('days', [wide])).map(withoutWritten)).toEqual([[day]])
    })

    test('series are told with their newest value', async () => {
      const rows = [0, 1].map((index) => rowAt({ start: now + index * minuteMs, values: [index, index + 0.5] }))
      await store.write({ rows: [...rows, rowAt({ device: 'fan', metric: 'energy' })], completeness: [] })
      const series = (await store.series()).sort((a, b) => (a.device < b.device ? 1 : -1))
      expect(series.map(({ device, metric, unit, lastValue }) => [device, metric, unit, lastValue])).toEqual([
        ['pump', 'temperature', '°C', 1.5],
        ['fan', 'energy', 'Wh', 3],
      ])
      expect(series[0]!.lastTs).toBe(rows[1]!.lastTs)
    })

    test('live readings read back once each', async () => {
      const readings = [0, 1].map((index) => ({
        site: 'north',
        device: 'pump',
        metric: 'temperature',
        ts: now + index,
        value: index / 3,
      }))
      await store.writeReadings(readings)
      await store.writeReadings([readings[1]!, readings[1]!])
      expect(await store.readReadings(wide)).toEqual(readings)
    })

    test('completeness merges over time by run, and a seq that falls makes a nameless run unknown', async () => {
      const row = (minute: number, boots: CompletenessRow['boots']) => {
        return { site: 'north', device: 'pump', start: now + minute * minuteMs, lengthMs: minuteMs, rev: 0, boots }
      }
      const share = (boot: string | null, [firstSeq, lastSeq]: [number, number], messages: number) => {
        return { boot, firstSeq, lastSeq, messages }
      }
      await store.write({
        rows: [],
        completeness: [
          row(0, [share(null, [0, 9], 10), share('b1', [0, 9], 8)]),
          row(1, [share(null, [0, 5], 6)]),
          row(2, [share('b1', [20, 29], 10), share('b2', [0, 3], 4)]),
          { ...row(0, [share('x', [1, 2], 2)]), device: 'fan' },
        ],
      })
      await store.write({ rows: [], completeness: [row(1, [share(null, [0, 6], 7)])] })
      const found = await store.readCompleteness({ site: 'north', from: now, to: now + hourMs })
      expect(found).toEqual([
        { site: 'north', device: 'fan', boots: [share('x', [1, 2], 2)] },
        {
          ...{ site: 'north', device: 'pump' },
          boots: [
            { boot: null, firstSeq: null, lastSeq: null, messages: 17 },
            share('b1', [0, 29], 18),
            share('b2', [0, 3], 4),
          ],
        },
      ])
      const one = await store.readCompleteness({ device: 'fan', from: now, to: now + 1 })
      expect(one).toHaveLength(1)
    })

    test('all that it holds is read for a backup, each row once, minutes before hours and days', async () => {
      const minutes = Array.from({ length: 6_000 }, (_, index) => rowAt({ start: now - index * minuteMs, rev: 1 }))
      const long = [rowAt({ lengthMs: hourMs }), rowAt({ start: now - 12 * hourMs, lengthMs: 24 * hourMs })]
      const rows = [...minutes, rowAt({ lengthMs: 10_000, metric: 'energy' }), ...long]
      const share = (boot: string | null) => ({ boot, firstSeq: 0, lastSeq: 3, messages: 4 })
      const completeness = Array.from({ length: 3_000 }, (_, index) => ({
        ...{ site: 'north', device: 'pump', start: now - index * minuteMs, lengthMs: minuteMs, rev: index % 3 },
        boots: index % 2 ? [share(null)] : [share('a'), share('b')],
      }))
      await store.write({ rows, completeness })
      const found: StoreBatch = { rows: [], completeness: [] }
      for await (const batch of store.readAll()) {
        found.rows = [...found.rows, ...batch.rows]
        found.completeness = [...found.completeness, ...batch.completeness]
      }
      const sorted = (list: readonly { start: number; lengthMs: number }[]) =>
        list.toSorted((a, b) => a.start - b.start || a.lengthMs - b.lengthMs)
      expect(sorted(withoutWritten(found.rows))).toEqual(sorted(rows))
      expect(sorted(found.completeness)).toEqual(sorted(completeness))
      const firstLong = found.rows.findIndex(({ lengthMs }) => lengthMs >= hourMs)
      expect(found.rows.slice(firstLong).every(({ lengthMs }) => lengthMs >= hourMs)).toBe(true)
    })

    const alerts = (from = now, to = now + hourMs) => store.readAlerts({ from, to })

    test('an alert reads back as it was written; a repeat changes nothing, a later revision replaces the whole', async () => {
      const open = alertOf({ start: now, message: 'a "b" \\ c, d=e 𝄞', labels: { team: "o'ps", room: 'cold "1"' } })
      await store.writeAlerts([open])
      await store.writeAlerts([open])
      expect(await alerts()).toEqual([open])
      const cleared = alertOf({ ...open, rev: 1, change: 'cleared', state: 'cleared', end: now + 5 * minuteMs })
      await store.writeAlerts([cleared])
      expect(await alerts()).toEqual([cleared])
      const again = alertOf({ ...open, rev: 2, message: 'late data' })
      await store.writeAlerts([again])
      expect(await alerts()).toEqual([again])
      expect(await alerts(now + 1)).toEqual([])
    })

    test('alerts of several rules at one series and moment, and of no device, stay apart', async () => {
      const rules = Array.from({ length: 50 }, (_, index) => alertOf({ start: now, rule: `rule-${index}` }))
      const offline = alertOf({ start: now, cause: 'agent-offline', device: null, metric: null, agent: 'edge' })
      const group = alertOf({ start: now, device: null, agent: null, value: null, threshold: null })
      const all = [...rules, { ...offline, rule: 'off', id: `off/north/-/-/${now}` }, group]
      await store.writeAlerts(all)
      const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1)
      expect((await alerts()).sort(byId)).toEqual(all.sort(byId))
    })

    test('thousands of alerts are written at once and read for a backup', async () => {
      const many = Array.from({ length: 3_000 }, (_, index) => alertOf({ start: now, device: `d${index}` }))
      await store.writeAlerts(many)
      const found: string[] = []
      for await (const batch of store.readAllAlerts()) found.push(...batch.map(({ id }) => id))
      expect(found.sort()).toEqual(many.map(({ id }) => id).sort())
      expect(await store.series()).toEqual([])
    })

    test('everything is there after it was closed and opened again', async () => {
      const rows = [rowAt(), rowAt({ start: now, lengthMs: 10_000, device: 'fan' })]
      await store.write({ rows, completeness: [] })
      store = await tested.reopen()
      expect(await read()).toEqual([rows[0]])
      expect(await read({ ...wide, device: 'fan' })).toEqual([rows[1]])
    })
  })
}
