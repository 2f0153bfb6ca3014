import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { newFolder } from '../testing/index.ts'

test('a disk that is really full: a plain refusal, the reserve still works, and it opens and empties again', async () => {
  const disk = join(newFolder(), 'disk')
  mkdirSync(disk)
  const script = fileURLToPath(new URL('../testing/full-disk.ts', import.meta.url))
  // A small file system of its own, which the kernel removes with the process.
  const command = `mount -t tmpfs -o size=12m none ${disk} && exec ${process.execPath} ${script} ${disk}`
  const { stdout } = await promisify(execFile)('unshare', ['-rm', 'sh', '-c', command])
  const report = JSON.parse(stdout)
  expect(report).toMatchObject({
    full: 'spool-full',
    diskFull: true,
    reserveWrite: 'ok',
    movedAside: null,
    emptied: 'ok',
    again: 'ok',
  })
  expect(report.filled).toBeGreaterThan(50)
  expect(report.held).toBe(report.filled)
  expect(report.rows[0]).toBe(2)
})
