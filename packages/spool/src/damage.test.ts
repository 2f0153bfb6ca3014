import { existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '@millrace/pipeline/testing'
import { expect, test } from 'vitest'
import { newFolder, spoolOptions, startChild } from '../testing/index.ts'
import { journal, openSpool } from './index.ts'

async function filledFolder(): Promise<{ folder: string; file: string; name: string }> {
  const folder = newFolder()
  const spool = await openSpool(spoolOptions(folder))
  for (let id = 1; id <= 40; id++) await spool.write(journal.append(id, new Uint8Array(9000).fill(id)))
  await spool.close()
  return { folder, file: join(folder, 'spool.db'), name: spool.name }
}

function overwrite(file: string, from: number, to: number): void {
  const bytes = readFileSync(file)
  bytes.fill(0xa5, from, to)
  writeFileSync(file, bytes)
}

const damages: [string, (file: string) => void][] = [
  [
    'text in place of the file',
    (file) => writeFileSync(file, 'not a database, but longer than a header of one is. '.repeat(50)),
  ],
  ['an empty file', (file) => truncateSync(file, 0)],
  ['half of the file', (file) => truncateSync(file, statSync(file).size / 2)],
  ['a header overwritten', (file) => overwrite(file, 0, 100)],
  ['the schema overwritten', (file) => overwrite(file, 100, 4096)],
  ['pages in the middle overwritten', (file) => overwrite(file, 4096 * 2, 4096 * 30)],
]

test.each(damages)('%s: it is moved aside and a new spool begins', async (_what, damage) => {
  const { folder, file, name } = await filledFolder()
  damage(file)
  const damaged = readFileSync(file)

  const spool = await openSpool(spoolOptions(folder))
  expect(spool.name).not.toBe(name)
  expect(spool.movedAside?.to).toMatch(/spool\.db\.damaged-/)
  expect(readFileSync(spool.movedAside!.to).equals(damaged)).toBe(true)
  await spool.write(journal.append(1, new Uint8Array(1)))
  expect(await journal.readAfter(spool, 0)).toHaveLength(1)
  await spool.close()

  const again = await openSpool(spoolOptions(folder))
  expect(again.movedAside).toBeNull()
  expect(again.name).toBe(spool.name)
  await again.close()
})

test('damage met while running fails that request and all later ones, and the next start sees to it', async () => {
  const { folder, file } = await filledFolder()
  const spool = await openSpool(spoolOptions(folder))
  overwrite(file, 4096 * 2, 4096 * 30)
  await expect(journal.readAfter(spool, 0)).rejects.toMatchObject({ code: 'spool-failed', exitCode: 1 })
  await expect(spool.write(journal.append(99, new Uint8Array(1)))).rejects.toMatchObject({ code: 'spool-failed' })
  await spool.close()
  expect(existsSync(`${file}.suspect`)).toBe(true)
  const next = await openSpool(spoolOptions(folder))
  expect(next.movedAside).not.toBeNull()
  await next.close()
})

test('a log whose database is gone does not get into the new spool, and is kept', async () => {
  const folder = newFolder()
  const file = join(folder, 'spool.db')
  const killed = startChild('writer.ts', [folder])
  await until(() => killed.lines.length > 20, { withinMs: 20_000, label: 'some writes' })
  killed.process.kill('SIGKILL')
  await killed.exited
  const log = readFileSync(`${file}-wal`)
  rmSync(file)

  const spool = await openSpool(spoolOptions(folder))
  expect(await spool.read('SELECT count(*) FROM journal')).toEqual([[0]])
  await spool.close()
  const kept = readdirSync(folder).filter((name) => /^spool\.db\.stray-.*-wal$/.test(name))
  expect(kept).toHaveLength(1)
  expect(readFileSync(join(folder, kept[0]!))).toEqual(log)
})
