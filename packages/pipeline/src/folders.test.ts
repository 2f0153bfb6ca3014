import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { UsageError } from './errors.ts'
import { makeConfiguredFolders, makeFolders } from './folders.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace folders '))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('makes what is missing and tells the first that it made', () => {
  expect(makeFolders(join(folder, 'a', 'b', 'c'))).toBe(join(folder, 'a'))
  expect(existsSync(join(folder, 'a', 'b', 'c'))).toBe(true)
  expect(makeFolders(join(folder, 'a', 'b', 'd'))).toBe(join(folder, 'a', 'b', 'd'))
  expect(makeFolders(join(folder, 'a', 'b'))).toBeUndefined()
})

it.skipIf(process.platform !== 'linux')('does not wait for ever where no folder can be made', () => {
  expect(() => makeFolders('/proc/nowhere/at/all')).toThrow(/ENOENT/)
})

it('names the setting of a folder that cannot be made', () => {
  const file = join(folder, 'file')
  writeFileSync(file, '')
  const make = (path: string) => () => makeConfiguredFolders(path, 'dataDir')
  expect(make(file)).toThrow(UsageError)
  expect(make(join(file, 'below'))).toThrow(
    expect.objectContaining({ problems: [expect.objectContaining({ path: 'dataDir' })] }),
  )
})
