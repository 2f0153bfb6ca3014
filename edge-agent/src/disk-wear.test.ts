import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { diskWear, writtenBytes } from './disk-wear.ts'

test("bytes written come from the kernel's count, and are unknown where it gives none", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-io-'))
  const file = join(folder, 'io')
  writeFileSync(file, 'rchar: 5\nwchar: 6\nwrite_bytes: 8192\ncancelled_write_bytes: 1\n')
  expect(await writtenBytes(file)).toBe(8192)
  expect(await writtenBytes(join(folder, 'absent'))).toBeNull()
  rmSync(folder, { recursive: true })
})

test('a day is reckoned from what was written so far, once a minute has passed', () => {
  const hourMs = 3_600_000
  expect(diskWear({ writtenBytes: 1_000_000, commits: 7_200, uptimeMs: hourMs })).toEqual({
    ...{ writtenBytes: 1_000_000, bytesPerDay: 24_000_000, commits: 7_200, commitsPerSecond: 2 },
  })
  expect(diskWear({ writtenBytes: 1_000_000, commits: 3, uptimeMs: 30_000 }).bytesPerDay).toBeNull()
  expect(diskWear({ writtenBytes: null, commits: 3, uptimeMs: hourMs }).bytesPerDay).toBeNull()
})
