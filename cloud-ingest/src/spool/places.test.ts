import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSpool, type Spool, values } from '@millrace/spool'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LogPlace } from '../received.ts'
import { Places } from './places.ts'

let folder: string
let spool: Spool
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-places-'))
  spool = await openSpool({
    folder,
    application: 'test',
    version: 1,
    schema: values.schema,
    maxBytes: 1e7,
    reserveBytes: 0,
  })
})
afterEach(async () => {
  await spool.close()
  rmSync(folder, { recursive: true, force: true })
})

const place = (sequence: number, atMs = 1_000 + sequence, first = sequence): LogPlace => {
  return { log: 'hub/0', first, sequence, atMs }
}

async function takeAll(places: Places, list: readonly LogPlace[]): Promise<boolean[]> {
  const staged = places.stage()
  const taken = list.map((one) => staged.take(one))
  await spool.write(staged.statements())
  staged.committed()
  return taken
}

test('each place is taken once, in whatever order and groups a log is read again, also after a restart', async () => {
  const reads = fc.array(fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 12 }), { minLength: 1, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(reads, async (groups) => {
      await spool.write([{ sql: 'DELETE FROM kept_values', rows: [[]] }])
      const seen = new Set<number>()
      let places = await Places.load(spool)
      for (const [index, group] of groups.entries()) {
        const taken = await takeAll(
          places,
          group.map((sequence) => place(sequence, 1_000)),
        )
        for (const [at, sequence] of group.entries()) {
          expect(taken[at]).toBe(!seen.has(sequence))
          seen.add(sequence)
        }
        if (index % 2 === 0) places = await Places.load(spool)
      }
    }),
    { numRuns: 60 },
  )
})

test('a group that was not committed has taken nothing', async () => {
  const places = await Places.load(spool)
  expect(places.stage().take(place(7))).toBe(true)
  expect(places.stage().take(place(7))).toBe(true)
})

test('places that needed no keeping lie in one range with those that did', async () => {
  const places = await Places.load(spool)
  await takeAll(
    places,
    Array.from({ length: 100 }, (_, index) => place(index * 10 + 9, 2_000, index * 10)),
  )
  expect(await takeAll(places, [place(500, 2_000), place(1_000, 2_000)])).toEqual([false, true])
  const [bytes] = [...(await values.all(spool)).values()]
  expect(bytes!.byteLength).toBeLessThan(20)
})

test('numbers that begin again at a later time are those of a new log', async () => {
  const places = await Places.load(spool)
  await takeAll(places, [place(0, 1_000), place(1, 1_001), place(2, 1_002)])
  expect(await takeAll(places, [place(0, 5_000), place(1, 5_000), place(2, 5_000)])).toEqual([true, true, true])
  expect(await takeAll(places, [place(1, 5_000), place(3, 5_001)])).toEqual([false, true])
})
