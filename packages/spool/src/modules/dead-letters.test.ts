import { expect, test } from 'vitest'
import { newFolder, spoolOptions } from '../../testing/index.ts'
import { openSpool } from '../index.ts'
import { type DeadLetter, deadLetters, keptPerEnd, maxBodyBytes } from './dead-letters.ts'

const open = () => openSpool(spoolOptions(newFolder(), { schema: deadLetters.schema }))

function letter(n: number, changes: Partial<DeadLetter> = {}): DeadLetter {
  const body = new TextEncoder().encode(`body ${n}`)
  return { atMs: n, reason: 'bad-json', source: 'telemetry/a/b', device: 'b', site: 'a', count: 2, body, ...changes }
}

const firstAndNewest = (total: number) => [
  ...Array.from({ length: keptPerEnd }, (_, index) => total - index),
  ...Array.from({ length: keptPerEnd }, (_, index) => keptPerEnd - index),
]

test('bodies are bounded to the first and the newest of each reason while the counts stay whole', async () => {
  const spool = await open()
  for (let n = 1; n <= 400; n += 4) {
    await spool.write(deadLetters.add(letter(n), letter(n + 1), letter(n + 2), letter(n + 3)))
  }
  await spool.write(deadLetters.add(letter(5, { reason: 'future', count: 7 })))
  const kept = await deadLetters.list(spool, { reason: 'bad-json', limit: 1000 })
  expect(kept.map(({ atMs }) => atMs)).toEqual(firstAndNewest(400))
  expect(await deadLetters.counts(spool)).toEqual([
    { reason: 'bad-json', letters: 400, readings: 800, firstMs: 1, lastMs: 400 },
    { reason: 'future', letters: 1, readings: 7, firstMs: 5, lastMs: 5 },
  ])
  await spool.close()
})

test('one burst of any size is kept the same way as letters that come one by one', async () => {
  const spool = await open()
  const burst = Array.from({ length: 5000 }, (_, index) => letter(index + 1))
  await spool.write(deadLetters.add(...burst))
  const kept = await deadLetters.list(spool, { limit: 1000 })
  expect(kept.map(({ atMs }) => atMs)).toEqual(firstAndNewest(5000))
  expect(await deadLetters.counts(spool)).toMatchObject([{ letters: 5000, readings: 10_000 }])
  await spool.write(deadLetters.add(letter(5001), letter(5002)))
  const later = await deadLetters.list(spool, { limit: 1000 })
  expect(later.map(({ atMs }) => atMs)).toEqual(firstAndNewest(5002))
  await spool.close()
})

test('a letter comes back as it was, its body cut at the bound', async () => {
  const spool = await open()
  const body = new Uint8Array(maxBodyBytes + 5000).fill(9)
  const sent = letter(3, { device: null, site: null, body })
  await spool.write(deadLetters.add(sent))
  const [found] = await deadLetters.list(spool)
  expect({ ...found, body: found!.body.length }).toEqual({ ...sent, body: maxBodyBytes })
  expect(deadLetters.add()).toEqual([])
  await spool.close()
})

test('a place is given once: not again when its letter was replayed, and those after it stay where they are', async () => {
  const spool = await open()
  await spool.write(deadLetters.add(letter(1), letter(2)))
  await spool.write(deadLetters.remove('bad-json', 2))
  await spool.write(deadLetters.add(letter(3)))
  const found = await deadLetters.places(spool, 'bad-json')
  expect(found.map(({ nth }) => nth)).toEqual([1, 3])
  expect(await deadLetters.one(spool, 'bad-json', 2)).toBeUndefined()
  await spool.close()
})

test('a place says how many of its reason there were by then, whatever of a burst was kept', async () => {
  const spool = await open()
  await spool.write(deadLetters.add(...Array.from({ length: 500 }, (_, index) => letter(index + 1))))
  await spool.write(deadLetters.add(letter(501)))
  const newest = await deadLetters.one(spool, 'bad-json')
  expect([newest!.nth, newest!.atMs]).toEqual([501, 501])
  await spool.close()
})
