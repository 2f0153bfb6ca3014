import { rmSync, writeFileSync } from 'node:fs'
import { journal, openSpool } from '../src/index.ts'
import { spoolOptions } from './index.ts'

// Fills the disk under the spool, with another program's file and with its own writes, and reports what it still can do.
const root = process.argv[2]!
const folder = `${root}/spool`
const options = spoolOptions(folder, { maxBytes: 1024 ** 3, reserveBytes: 2 * 1024 * 1024 })
const report: Record<string, unknown> = {}
const codeOf = async (work: Promise<unknown>) =>
  await work.then(
    () => 'ok',
    (error: { code: string }) => error.code,
  )

const first = await openSpool(options)
let id = 1
const append = (bytes: number) => journal.append(id, new Uint8Array(bytes).fill(1))
while ((await codeOf(first.write(append(50_000)))) === 'ok') id++
report.filled = id - 1
report.held = (await first.read('SELECT count(*) FROM journal'))[0]![0]
report.full = await codeOf(first.write(append(50_000)))
try {
  writeFileSync(`${root}/other`, new Uint8Array(64 * 1024 * 1024))
} catch {
  report.diskFull = true
}
report.reserveWrite = await codeOf(first.write(journal.append(1_000_000, new Uint8Array(1000)), { reserve: true }))
await first.close()

const second = await openSpool(options)
report.movedAside = second.movedAside
report.emptied = await codeOf(second.write(journal.drop(id), { reserve: true }))
report.again = await codeOf(second.write(append(50_000)))
await second.close()
rmSync(`${root}/other`)
const third = await openSpool(options)
report.rows = (await third.read('SELECT count(*), max(id) FROM journal'))[0]
await third.close()
process.stdout.write(`${JSON.stringify(report)}\n`)
