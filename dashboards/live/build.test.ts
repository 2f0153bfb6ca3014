import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { buildPage, hashSources } from './build.ts'

const here = import.meta.dirname

test('the page is built once for its sources and left alone while they stay the same', async () => {
  const { folder } = await buildPage()
  const before = (await stat(join(folder, 'index.html'))).mtimeMs
  expect(await buildPage()).toEqual({ folder, fresh: false })
  expect((await stat(join(folder, 'index.html'))).mtimeMs).toBe(before)
  expect(await hashSources()).toMatch(/^[0-9a-f]{64}$/)
})

test('an interrupted build leaves nothing that a later one would serve', async () => {
  const left = await mkdtemp(join(here, '.dist-'))
  const { folder } = await buildPage()
  expect((await readdir(folder)).sort()).toEqual(['assets', 'favicon.svg', 'index.html', 'sources.sha256'])
  await rm(left, { recursive: true })
})
