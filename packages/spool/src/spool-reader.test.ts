import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { newFolder, spoolOptions } from '../testing/index.ts'
import { deadLetters, openSpool, readSpool } from './index.ts'

const schema = deadLetters.schema
const letter = {
  ...{ atMs: 5, reason: 'bad-json', source: 'telemetry/a/b', device: 'b', site: 'a', count: 2 },
  body: new Uint8Array(20_000).fill(7),
}

/** Names, bytes and times of all files of a spool but the lock; of an open one also without SQLite's shared memory, where readers are noted. */
function fingerprint(folder: string, running: boolean): string[] {
  const files = readdirSync(folder).filter((name) => name !== 'spool.lock' && !(running && name === 'spool.db-shm'))
  return files.sort().map((name) => {
    const file = join(folder, name)
    const { ino, mtimeMs } = statSync(file)
    return `${name} ${ino} ${mtimeMs} ${createHash('sha256').update(readFileSync(file)).digest('hex')}`
  })
}

/** Reads as `spool inspect` does and returns what it found, once it is sure that no byte changed. */
async function inspect(folder: string) {
  const before = [fingerprint(folder, true), fingerprint(folder, false)]
  const reader = readSpool(folder)
  const { letters } = await reader.sections({ letters: (spool) => deadLetters.inspect(spool) })
  reader.close()
  const { running } = reader.facts
  expect(fingerprint(folder, running)).toEqual(before[running ? 0 : 1])
  return { ...reader.facts, letters }
}

async function filled(folder: string) {
  const spool = await openSpool(spoolOptions(folder, { schema }))
  for (let n = 0; n < 30; n += 1) await spool.write(deadLetters.add(letter))
  return spool
}

test('a spool that is open in a service is read beside it, its log included', async () => {
  const folder = newFolder()
  const spool = await filled(folder)
  expect(await inspect(folder)).toMatchObject({ running: true, problem: null, letters: [{ letters: 30, kept: 30 }] })
  await spool.write(deadLetters.add(letter))
  expect((await inspect(folder)).letters).toMatchObject([{ letters: 31 }])
  await spool.close()
  expect(await inspect(folder)).toMatchObject({ running: false, logBytes: 0, letters: [{ letters: 31 }] })
})

test('what a kill left is read with its log, which stays', async () => {
  const [folder, killed] = [newFolder(), newFolder()]
  const spool = await filled(folder)
  mkdirSync(killed, { recursive: true })
  for (const name of ['spool.db', 'spool.db-wal']) copyFileSync(join(folder, name), join(killed, name))
  await spool.close()
  const found = await inspect(killed)
  expect(found).toMatchObject({ running: false, problem: null, letters: [{ letters: 30, kept: 30 }] })
  expect(found.logBytes).toBeGreaterThan(0)
})

test('a damaged spool says so and tells what can still be read', async () => {
  const folder = newFolder()
  await (await filled(folder)).close()
  const bytes = readFileSync(join(folder, 'spool.db'))
  bytes.fill(0xa5, bytes.length >> 1)
  writeFileSync(join(folder, 'spool.db'), bytes)
  const found = await inspect(folder)
  expect(found.problem !== null || Object.keys(found.unreadable).length > 0).toBe(true)
  writeFileSync(join(folder, 'spool.db'), 'no database at all'.repeat(100))
  expect(await inspect(folder)).toMatchObject({ problem: expect.any(String), letters: undefined })
})

test('a file of another program is named as such and left alone', async () => {
  const folder = newFolder()
  mkdirSync(folder, { recursive: true })
  const other = new DatabaseSync(join(folder, 'spool.db'))
  other.exec('CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)')
  other.close()
  const found = await inspect(folder)
  expect(found).toMatchObject({ problem: expect.any(String), letters: undefined, tables: ['theirs'] })
  expect(existsSync(join(folder, 'spool.lock'))).toBe(false)
})
