import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSpool, type Spool } from '@millrace/spool'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { purge } from './purge.ts'
import { laterTables, tables } from './tables.ts'

const hourMs = 3_600_000
const nowMs = 1_000 * hourMs
const old = nowMs - 49 * hourMs
let folder: string
let spool: Spool

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-purge-'))
  spool = await openSpool({
    folder,
    application: 'test',
    version: 1,
    schema: [...tables, ...laterTables],
    maxBytes: 1e7,
    reserveBytes: 0,
  })
})
afterEach(async () => {
  await spool.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Parts by window, source, place in the log and time of the last change. */
async function keep(...parts: [start: number, source: number, n: number, atMs: number][]): Promise<void> {
  const rows = parts.map(([start, source, n, atMs]) => [1, start, 60_000, source, 0, 5, 0, 0, n, atMs, '[]'])
  const columns = 'series, start, length, source, rev, count, refused, late, n, at_ms, row'
  await spool.write([{ sql: `INSERT INTO parts (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, rows }])
}
const left = async () => (await spool.read('SELECT n FROM parts ORDER BY n')).flat()

test('a part goes 48 h after its last change, and not before every store has it', async () => {
  await keep([0, 1, 1, old], [1, 1, 2, old], [2, 1, 3, nowMs - 47 * hourMs])
  await purge(spool, { nowMs, takenUpTo: 1 })
  expect(await left()).toEqual([2, 3])
  await purge(spool, { nowMs, takenUpTo: 3 })
  expect(await left()).toEqual([3])
})

test('the parts of a window go together: as long as one is young, or wanted by a store, all of them stay', async () => {
  await keep([0, 1, 1, old], [0, 2, 2, nowMs], [1, 1, 3, old], [1, 2, 9, old])
  await purge(spool, { nowMs, takenUpTo: 5 })
  expect(await left()).toEqual([1, 2, 3, 9])
  await purge(spool, { nowMs, takenUpTo: 9 })
  expect(await left()).toEqual([1, 2])
})
