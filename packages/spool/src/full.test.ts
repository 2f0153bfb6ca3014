import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { SpoolFullError } from '@millrace/pipeline'
import { expect, test } from 'vitest'
import { newFolder, spoolOptions } from '../testing/index.ts'
import { journal, openSpool, type Spool } from './index.ts'

const maxBytes = 1024 * 1024
const reserveBytes = 256 * 1024
const small = (folder: string) => spoolOptions(folder, { maxBytes, reserveBytes })
const twin = (id: number) => ({ sql: 'INSERT INTO twins VALUES (?)', rows: [[id]] })

async function fill(spool: Spool, from: number, options = {}): Promise<number> {
  for (let id = from; ; id++) {
    try {
      await spool.write([twin(id), ...journal.append(id, new Uint8Array(10_000).fill(1))], options)
    } catch (error) {
      expect(error).toBeInstanceOf(SpoolFullError)
      return id
    }
  }
}

test('a full spool refuses with nothing half written, and takes writes again after deletes', async () => {
  const spool = await openSpool(small(newFolder()))
  const full = await fill(spool, 1)
  expect(await spool.read('SELECT max(id), count(*) FROM twins')).toEqual([[full - 1, full - 1]])
  expect(await spool.read('SELECT count(*) FROM journal')).toEqual([[full - 1]])
  const { bytes } = await spool.usage()
  expect(bytes).toBeLessThanOrEqual(maxBytes - reserveBytes)
  expect(bytes).toBeGreaterThan(maxBytes - reserveBytes - 40_000)

  await spool.write(journal.drop(10))
  await spool.write([twin(full), ...journal.append(full, new Uint8Array(50_000))])
  await spool.close()
})

test('a full spool lets the reserve be used, and the reserve is not eaten up by ordinary writes', async () => {
  const folder = newFolder()
  const spool = await openSpool(small(folder))
  let next = await fill(spool, 1)
  for (let round = 0; round < 5; round++) {
    next = await fill(spool, next, { reserve: true })
    expect((await spool.usage()).bytes).toBeGreaterThan(maxBytes - 30_000)
    await expect(spool.write(journal.append(next, new Uint8Array(10_000)))).rejects.toThrow(SpoolFullError)
    // Frees a third of the reserve: still none of it is for ordinary writes.
    await spool.write(journal.drop(8 * (round + 1)))
    await expect(spool.write(journal.append(next, new Uint8Array(10_000)))).rejects.toThrow(SpoolFullError)
  }
  expect(statSync(join(folder, 'spool.db')).size).toBeLessThanOrEqual(maxBytes)
  await spool.close()
})

test('inside the reserve an ordinary write may still leave less in use than it found', async () => {
  const spool = await openSpool(small(newFolder()))
  const next = await fill(spool, await fill(spool, 1), { reserve: true })
  await spool.write([...journal.drop(5), ...journal.append(next, new Uint8Array(10_000))])
  await expect(spool.write([...journal.drop(6), ...journal.append(next + 1, new Uint8Array(90_000))])).rejects.toThrow(
    SpoolFullError,
  )
  expect(await spool.read('SELECT min(id), max(id) FROM journal')).toEqual([[6, next]])
  await spool.close()
})

test('a spool that was closed full opens again and can be emptied', async () => {
  const folder = newFolder()
  const first = await openSpool(small(folder))
  const next = await fill(first, await fill(first, 1), { reserve: true })
  await first.close()
  const second = await openSpool(small(folder))
  await second.write(journal.drop(next))
  await fill(second, next)
  await second.close()
  expect(existsSync(join(folder, 'spool.reserve'))).toBe(true)
})
