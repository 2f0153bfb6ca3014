import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { dataFolderId } from './data-folder.ts'

test('one folder has one id, however it is named, and two have two', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-data-folder-'))
  try {
    const data = join(folder, 'data')
    mkdirSync(data)
    symlinkSync(data, join(folder, 'link'))
    const names = [data, `${data}/`, join(folder, 'link'), relative(process.cwd(), data)]
    expect(new Set(names.map(dataFolderId)).size).toBe(1)
    expect(dataFolderId(join(folder, 'other'))).not.toBe(dataFolderId(data))
  } finally {
    rmSync(folder, { recursive: true })
  }
})
