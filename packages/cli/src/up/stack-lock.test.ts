import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UsageError } from '@millrace/pipeline'
import { expect, it } from 'vitest'
import { lockDataFolder, lockDrill } from './stack-lock.ts'

it('makes the data folder with what is missing above it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace lock '))
  lockDataFolder(join(folder, 'a', 'b')).release()
  rmSync(folder, { recursive: true })
})

it.skipIf(process.platform !== 'linux')('does not wait for ever for a data folder that cannot be made', () => {
  expect(() => lockDataFolder('/proc/nowhere/data')).toThrow(UsageError)
})

it('a second drill on a stack is refused while the first is under way, and the stack itself is no drill', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-drills-'))
  const stack = lockDataFolder(folder)
  const first = lockDrill(folder)
  expect(() => lockDrill(folder)).toThrow(expect.objectContaining({ exitCode: 2 }))
  first.release()
  lockDrill(folder).release()
  stack.release()
  rmSync(folder, { recursive: true })
})
