import { copyFileSync, existsSync, readdirSync, renameSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newFolder, spoolOptions } from '../testing/index.ts'
import { journal, openSpool } from './index.ts'

const entry = (id: number) => journal.append(id, new Uint8Array(3000).fill(id))
const removedUnderIt = 'removed while the spool was open; what it held was put back'
const replacedUnderIt = 'replaced while the spool was open; what it held was put back'

const thefts: [string, (file: string) => void, string][] = [
  [
    'removed',
    (file) => {
      for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix)
    },
    removedUnderIt,
  ],
  ['removed, but for its log', (file) => rmSync(file), removedUnderIt],
  ['left without its log', (file) => rmSync(`${file}-wal`), removedUnderIt],
  [
    'replaced by an older copy',
    (file) => {
      copyFileSync(`${file}.old`, `${file}.copy`)
      renameSync(`${file}.copy`, file)
    },
    replacedUnderIt,
  ],
]

test.each(thefts)(
  'a spool %s under its service acknowledges nothing more and loses nothing',
  async (_how, steal, why) => {
    const folder = newFolder()
    const file = join(folder, 'spool.db')
    const first = await openSpool(spoolOptions(folder))
    await first.write(entry(1))
    await first.close()
    copyFileSync(file, `${file}.old`)

    const spool = await openSpool(spoolOptions(folder))
    for (let id = 2; id <= 20; id++) await spool.write(entry(id))
    steal(file)
    await expect(spool.write(entry(21))).rejects.toMatchObject({
      code: 'spool-failed',
      message: expect.stringContaining(why),
    })
    await expect(spool.write(entry(22))).rejects.toMatchObject({ code: 'spool-failed' })
    await spool.close()

    const again = await openSpool(spoolOptions(folder))
    expect(again.name).toBe(spool.name)
    expect(again.movedAside).toBeNull()
    expect((await journal.readAfter(again, 0)).map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
    await again.close()
    const kept = readdirSync(folder).filter((name) => /^spool\.db\.stray-.*Z$/.test(name))
    expect(kept).toHaveLength(why === replacedUnderIt ? 1 : 0)
  },
)

test('a log cut under its service ends the service', async () => {
  const folder = newFolder()
  const spool = await openSpool(spoolOptions(folder))
  for (let id = 1; id <= 20; id++) await spool.write(entry(id))
  truncateSync(join(folder, 'spool.db-wal'), 4096)
  await expect(spool.write(entry(21))).rejects.toMatchObject({
    code: 'spool-failed',
  })
  await spool.close()
  expect(existsSync(join(folder, 'spool.db.suspect'))).toBe(true)
})

test('a folder that another service has taken meanwhile is left to it', async () => {
  const folder = newFolder()
  const spool = await openSpool(spoolOptions(folder))
  await spool.write(entry(1))
  for (const name of readdirSync(folder)) rmSync(join(folder, name))
  const other = await openSpool(spoolOptions(folder))
  await other.write(entry(5))
  await expect(spool.write(entry(2))).rejects.toMatchObject({ message: expect.stringContaining("another's now") })
  await spool.close()
  await other.write(entry(6))
  expect((await journal.readAfter(other, 0)).map(({ id }) => id)).toEqual([5, 6])
  await other.close()
})
