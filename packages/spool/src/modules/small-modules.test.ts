import { expect, test } from 'vitest'
import { newFolder, spoolOptions } from '../../testing/index.ts'
import { addMissingTables, cursors, journal, openSpool, values } from '../index.ts'

const open = () => {
  return openSpool(spoolOptions(newFolder(), { schema: [...cursors.schema, ...values.schema, ...journal.schema] }))
}

test('a cursor is where it was saved last, and unknown before', async () => {
  const spool = await open()
  expect(await cursors.load(spool, 'duckdb')).toBeUndefined()
  await spool.write([...cursors.save('duckdb', 5), ...cursors.save('influxdb', 2), ...cursors.save('duckdb', 2 ** 52)])
  expect(await cursors.load(spool, 'duckdb')).toBe(2 ** 52)
  await spool.close()
})

test('values are found by key and by prefix, whatever letters the keys have', async () => {
  const spool = await open()
  const bytes = (n: number) => new Uint8Array([n])
  await spool.write([...values.put('w/1', bytes(1)), ...values.put('w/%_', bytes(2)), ...values.put('w/1', bytes(3))])
  await spool.write([
    ...values.put('v', bytes(4)),
    ...values.put('w', bytes(5)),
    ...values.put('w/\u{10ffff}', bytes(6)),
  ])
  expect(await values.get(spool, 'w/1')).toEqual(bytes(3))
  expect(await values.get(spool, 'none')).toBeUndefined()
  expect([...(await values.all(spool, 'w/')).keys()]).toEqual(['w/%_', 'w/1', 'w/\u{10ffff}'])
  expect((await values.all(spool)).size).toBe(5)
  await spool.write(values.remove('w/1'))
  expect(await values.get(spool, 'w/1')).toBeUndefined()
  await spool.close()
})

test('the journal is read in order of ids, in pieces if asked, and dropped up to an id', async () => {
  const spool = await open()
  await spool.write([3, 1, 2, 9].flatMap((id) => journal.append(id, new Uint8Array([id]))))
  await spool.write(journal.drop(1))
  expect((await journal.readAfter(spool, 0)).map(({ id }) => id)).toEqual([2, 3, 9])
  expect((await journal.readAfter(spool, 2, 1)).map(({ bytes }) => bytes[0])).toEqual([3])
  await spool.close()
})

test('tables that came later are added once, and those that are there keep what they hold', async () => {
  const spool = await openSpool(spoolOptions(newFolder(), { schema: cursors.schema }))
  await spool.write(cursors.save('duckdb', 5))
  const later = [...cursors.schema, ...values.schema, 'CREATE INDEX kept_length ON kept_values (length(bytes))']
  await addMissingTables(spool, later)
  await spool.write(values.put('key', new Uint8Array([1])))
  await addMissingTables(spool, later)
  expect(await cursors.load(spool, 'duckdb')).toBe(5)
  expect(await values.get(spool, 'key')).toEqual(new Uint8Array([1]))
  await spool.close()
})
