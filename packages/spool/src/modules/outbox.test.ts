import fc from 'fast-check'
import { expect, test } from 'vitest'
import { newFolder, spoolOptions } from '../../testing/index.ts'
import { openSpool } from '../index.ts'
import { outbox } from './outbox.ts'

const open = () => openSpool(spoolOptions(newFolder(), { schema: outbox.schema }))

const message = (site: string, seq: number, after: number[] = []) => {
  return outbox.add({ site, seq, kind: 'summaries', bytes: new Uint8Array(10).fill(seq), atMs: 1000 + seq, after })
}
const keys = (found: { site: string; seq: number }[]) => found.map(({ site, seq }) => `${site}${seq}`)

test('the newest come first, over all sites, without those that are under way', async () => {
  const spool = await open()
  await spool.write([...message('a', 0), ...message('b', 0), ...message('a', 1), ...message('b', 1)])
  expect(keys(await outbox.newest(spool, { limit: 3 }))).toEqual(['b1', 'a1', 'b0'])
  const exclude = [
    { site: 'b', seq: 1 },
    { site: 'b', seq: 0 },
  ]
  expect(keys(await outbox.newest(spool, { limit: 3, exclude }))).toEqual(['a1', 'a0'])
  expect(keys(await outbox.oldest(spool, 2))).toEqual(['a0', 'b0'])
  const [newest] = await outbox.newest(spool, { limit: 1 })
  expect(newest).toEqual({ site: 'b', seq: 1, kind: 'summaries', bytes: new Uint8Array(10).fill(1) })
  await spool.close()
})

test('a message waits until every message of its site in `after` is settled', async () => {
  const spool = await open()
  await spool.write([...message('a', 0), ...message('a', 1), ...message('a', 2, [0, 1]), ...message('b', 0)])
  expect(keys(await outbox.newest(spool, { limit: 9 }))).toEqual(['b0', 'a1', 'a0'])
  await spool.write(outbox.settle('a', 0, []))
  expect(keys(await outbox.newest(spool, { limit: 9 }))).toEqual(['b0', 'a1'])
  await spool.write(outbox.settle('a', -1, [[1, 1]]))
  expect(keys(await outbox.newest(spool, { limit: 9 }))).toEqual(['b0', 'a2'])
  await spool.close()
})

test('seqs never restart: the last one is known after everything is settled', async () => {
  const spool = await open()
  await spool.write([...message('a', 0), ...message('a', 7), ...message('b', 3)])
  await spool.write([...outbox.settle('a', 7, []), ...outbox.settle('b', 3, [])])
  expect(await outbox.counts(spool)).toEqual({ messages: 0, bytes: 0, oldestMs: null })
  expect(await outbox.lastSeqs(spool)).toEqual(
    new Map([
      ['a', 7],
      ['b', 3],
    ]),
  )
  await spool.close()
})

test('counts say how much waits and since when', async () => {
  const spool = await open()
  await spool.write([...message('a', 4), ...message('b', 2)])
  expect(await outbox.counts(spool)).toEqual({ messages: 2, bytes: 20, oldestMs: 1002 })
  await spool.close()
})

test('any receipts, repeated or out of order, leave exactly what they do not name', async () => {
  const spool = await open()
  const receipt = fc.record({
    site: fc.constantFrom('a', 'b'),
    upTo: fc.integer({ min: -1, max: 12 }),
    ranges: fc.array(
      fc.tuple(fc.nat(20), fc.nat(4)).map(([from, more]) => [from, from + more] as const),
      { maxLength: 3 },
    ),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(receipt, { maxLength: 5 }), async (receipts) => {
      await spool.write([{ sql: 'DELETE FROM outbox', rows: [[]] }])
      let model = ['a', 'b'].flatMap((site) => Array.from({ length: 20 }, (_, seq) => ({ site, seq })))
      await spool.write(model.flatMap(({ site, seq }) => message(site, seq)))
      for (const { site, upTo, ranges } of receipts) {
        await spool.write(outbox.settle(site, upTo, ranges))
        const named = (seq: number) => seq <= upTo || ranges.some(([from, to]) => seq >= from && seq <= to)
        model = model.filter((row) => row.site !== site || !named(row.seq))
      }
      expect(keys(await outbox.newest(spool, { limit: 99 }))).toEqual(keys(model.toReversed()))
    }),
    { numRuns: 40 },
  )
  await spool.close()
})

test('the oldest are none that another of their site waits for, whatever waits for what', async () => {
  const spool = await open()
  const waiting = fc.array(fc.record({ site: fc.constantFrom('a', 'b'), after: fc.uniqueArray(fc.nat(25)) }), {
    maxLength: 25,
  })
  await fc.assert(
    fc.asyncProperty(waiting, fc.nat(30), async (rows, limit) => {
      await spool.write([{ sql: 'DELETE FROM outbox', rows: [[]] }])
      await spool.write(rows.flatMap(({ site, after }, seq) => message(site, seq, after)))
      const free = rows
        .map(({ site }, seq) => ({ site, seq }))
        .filter(({ site, seq }) => !rows.some((later) => later.site === site && later.after.includes(seq)))
      expect(keys(await outbox.oldest(spool, limit))).toEqual(keys(free.slice(0, limit)))
    }),
    { numRuns: 60 },
  )
  await spool.close()
})

test('the oldest of very many are those that nobody waits for, where every message waits', async () => {
  const spool = await open()
  const [insert] = message('a', 0)
  const bytes = new Uint8Array(10)
  // Every message waits for one that is settled, and every fifth for the one before it too.
  const waits = (seq: number) => JSON.stringify(seq % 5 === 0 ? [seq + 100_000, seq - 1] : [seq + 100_000])
  const rows = Array.from({ length: 50_000 }, (_, seq) => ['a', seq, 'summaries', 1000, 10, waits(seq), bytes] as const)
  await spool.write([{ sql: insert!.sql, rows }])
  const found = await outbox.oldest(spool, 400)
  expect(found.map(({ seq }) => seq)).toEqual(
    Array.from({ length: 500 }, (_, seq) => seq).filter((seq) => seq % 5 !== 4),
  )
  await spool.close()
})
