import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { newFolder, spoolOptions } from '../testing/index.ts'
import { openSpool } from './index.ts'

const hashOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex')

async function refused(folder: string, changes = {}): Promise<{ code: string; message: string }> {
  const file = join(folder, 'spool.db')
  const before = hashOf(file)
  const error = await openSpool(spoolOptions(folder, changes)).then(
    () => Promise.reject(new Error('was opened')),
    (cause: { code: string; message: string }) => cause,
  )
  expect(hashOf(file)).toBe(before)
  return error
}

test('the name is kept with the file, the epoch is new at every open', async () => {
  const folder = newFolder()
  const first = await openSpool(spoolOptions(folder))
  await first.close()
  const second = await openSpool(spoolOptions(folder))
  await second.close()
  expect(second.name).toBe(first.name)
  expect(second.epoch).not.toBe(first.epoch)
  expect([first.name, first.epoch].every((name) => /^[A-Za-z0-9._:-]{1,64}$/.test(name))).toBe(true)
})

test("another application's spool is named and left as it is", async () => {
  const folder = newFolder()
  await (await openSpool(spoolOptions(folder, { application: 'cloud-ingest' }))).close()
  const error = await refused(folder)
  expect(error.code).toBe('spool-foreign')
  expect(error.message).toContain('is the spool of cloud-ingest, not of test')
})

test.each([1, 3])('a spool of version %i is named by version 2 and left as it is', async (version) => {
  const folder = newFolder()
  await (await openSpool(spoolOptions(folder, { version }))).close()
  const error = await refused(folder, { version: 2 })
  expect(error.code).toBe('spool-version')
  expect(error).toMatchObject({ exitCode: 2 })
  expect(error.message).toContain(`has version ${version}; this program writes version 2`)
})

test('a spool of an older version that can be read is taken over, and the older program refuses it from then on', async () => {
  const folder = newFolder()
  const older = await openSpool(spoolOptions(folder, { version: 2 }))
  await older.close()
  const taken = await openSpool(spoolOptions(folder, { version: 3, oldestVersion: 2 }))
  expect(taken.name).toBe(older.name)
  await taken.close()
  expect((await refused(folder, { version: 2 })).message).toContain('has version 3; this program writes version 2')
  expect((await refused(folder, { version: 5, oldestVersion: 4 })).code).toBe('spool-version')
})

test("another program's database is named and left as it is", async () => {
  const folder = newFolder()
  const database = new DatabaseSync(join(folder, 'spool.db'))
  database.exec('CREATE TABLE photos (name TEXT)')
  database.close()
  const error = await refused(folder)
  expect(error.code).toBe('spool-foreign')
})

test('a kill while the file is being made leaves nothing in the way', async () => {
  const folder = newFolder()
  writeFileSync(join(folder, 'spool.db.new'), 'half a fi')
  const spool = await openSpool(spoolOptions(folder))
  await spool.close()
  expect(spool.movedAside).toBeNull()
  expect(existsSync(join(folder, 'spool.db.new'))).toBe(false)
})

test('a folder that cannot be made is named with its setting, and nothing waits for it', async () => {
  const file = join(newFolder(), 'a file')
  writeFileSync(file, '')
  const hopeless = [join(file, 'below'), ...(process.platform === 'linux' ? ['/proc/nowhere/agent'] : [])]
  for (const folder of hopeless) {
    await expect(openSpool(spoolOptions(folder))).rejects.toMatchObject({
      exitCode: 2,
      problems: [{ path: 'dataDir', found: expect.stringContaining(folder) }],
    })
  }
})
