import { expect, test } from 'vitest'
import { newFolder, spoolOptions } from '../testing/index.ts'
import { journal, openSpool, type Statement } from './index.ts'

const twins = (...ids: number[]): Statement => ({ sql: 'INSERT INTO twins VALUES (?)', rows: ids.map((id) => [id]) })

test('requests are served in order, so a read sees every write sent before it', async () => {
  const spool = await openSpool(spoolOptions(newFolder()))
  const counts: Promise<unknown>[] = []
  for (let id = 1; id <= 200; id++) {
    const written = spool.write([twins(id)])
    counts.push(spool.read('SELECT count(*) FROM twins').then(([row]) => row![0]))
    await (id % 50 === 0 ? written : undefined)
  }
  expect(await Promise.all(counts)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1))
  await spool.close()
})

test('a write that fails half way writes nothing and the spool goes on', async () => {
  const spool = await openSpool(spoolOptions(newFolder()))
  await expect(spool.write([twins(1, 2, 3), twins(2)])).rejects.toThrow(/UNIQUE/)
  await expect(spool.write([twins(4), { sql: 'INSERT INTO nowhere VALUES (1)', rows: [[]] }])).rejects.toThrow(
    /nowhere/,
  )
  await spool.write([twins(5)])
  expect(await spool.read('SELECT id FROM twins')).toEqual([[5]])
  await spool.close()
})

test('a value that cannot cross to the worker fails alone and later answers find their requests', async () => {
  const spool = await openSpool(spoolOptions(newFolder()))
  const odd = { sql: 'INSERT INTO twins VALUES (?)', rows: [[(() => 1) as unknown as number]] }
  await expect(spool.write([odd])).rejects.toThrow()
  await spool.write([twins(7)])
  expect(await spool.read('SELECT id FROM twins')).toEqual([[7]])
  await spool.close()
})

test('blobs come back as they were, also views into larger memory, and the sender keeps its own', async () => {
  const spool = await openSpool(spoolOptions(newFolder()))
  const large = new Uint8Array(300_000).map((_, index) => index % 256)
  const view = large.subarray(1000, 51_000)
  await spool.write([
    ...journal.append(1, view),
    ...journal.append(2, Buffer.from('pooled')),
    ...journal.append(3, large),
  ])
  const rows = await journal.readAfter(spool, 0)
  expect(rows.map(({ bytes }) => Buffer.from(bytes).equals(Buffer.from(rows.length ? bytes : view)))).toEqual([
    true,
    true,
    true,
  ])
  expect(Buffer.compare(rows[0]!.bytes, view)).toBe(0)
  expect(Buffer.from(rows[1]!.bytes).toString()).toBe('pooled')
  expect(Buffer.compare(rows[2]!.bytes, large)).toBe(0)
  expect(large[299_999]).toBe(299_999 % 256)
  await spool.close()
})

test('close waits for pending writes, is safe twice, and later requests are refused', async () => {
  const folder = newFolder()
  const spool = await openSpool(spoolOptions(folder))
  const pending = spool.write([twins(1)])
  await Promise.all([spool.close(), spool.close(), pending])
  await spool.close()
  await expect(spool.write([twins(2)])).rejects.toMatchObject({ code: 'spool-closed' })
  await expect(spool.read('SELECT 1')).rejects.toMatchObject({ code: 'spool-closed' })
  const again = await openSpool(spoolOptions(folder))
  expect(await again.read('SELECT id FROM twins')).toEqual([[1]])
  await again.close()
})

test('every commit reaches the disk before it resolves: a log with synchronous FULL', async () => {
  const spool = await openSpool(spoolOptions(newFolder()))
  expect(await spool.read('PRAGMA synchronous')).toEqual([[2]])
  expect(await spool.read('PRAGMA journal_mode')).toEqual([['wal']])
  await spool.close()
})
