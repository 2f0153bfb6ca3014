import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { diskWear, writtenBytes } from './disk-wear.ts'
import { Pace } from './pace.ts'

test("bytes written come from the kernel's count, and are unknown where it gives none", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-io-'))
  const file = join(folder, 'io')
  writeFileSync(file, 'rchar: 5\nwchar: 6\nwrite_bytes: 8192\ncancelled_write_bytes: 1\n')
  expect(await writtenBytes(file)).toBe(8192)
  expect(await writtenBytes(join(folder, 'absent'))).toBeNull()
  rmSync(folder, { recursive: true })
})

test('a day is reckoned at the pace of now, not from what a start with its past has written', () => {
  const pace = new Pace()
  const at = (uptimeMs: number, written: number | null) =>
    diskWear({ writtenBytes: written, commits: 6, uptimeMs, pace })
  const burst = 90_000_000
  expect(at(60_000, burst).bytesPerDay).toBeNull()
  expect(at(120_000, burst + 1_000)).toEqual({
    ...{ writtenBytes: burst + 1_000, bytesPerDay: 1_440_000, commits: 6, commitsPerSecond: 0.05 },
  })
  expect(at(180_000, null).bytesPerDay).toBeNull()
})
