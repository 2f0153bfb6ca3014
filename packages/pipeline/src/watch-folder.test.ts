import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../testing/index.ts'
import { type FolderFile, readFolder, watchFolder } from './watch-folder.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-folder-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const write = (name: string, text: string) => writeFileSync(join(folder, name), text)

test('every YAML file is read by name, and what cannot be read says why', async () => {
  write('b.yaml', 'rules: [1]\n')
  write('a.yml', '')
  write('c.yaml', 'a: [\n')
  write('.hidden.yaml', 'a: 1')
  write('notes.txt', 'a: 1')
  mkdirSync(join(folder, 'd.yaml'))
  const files = await readFolder(folder)
  expect(files.map(({ name, content, problem }) => [name, content, problem !== undefined])).toEqual([
    ['a.yml', null, false],
    ['b.yaml', { rules: [1] }, false],
    ['c.yaml', undefined, true],
    ['d.yaml', undefined, true],
  ])
  expect((await readFolder(join(folder, 'none')))[0]!.problem).toContain('ENOENT')
})

test('what is no tree, no regular file, or a giant is a problem: nothing of it is waited for or read', async () => {
  write('alias.yaml', 'rules:\n  - &a { id: x, labels: *a }\n')
  const layers = Array.from({ length: 12 }, (_none, n) => `a${n}: &a${n} [${Array(10).fill(n ? `*a${n - 1}` : 'x')}]`)
  write('bomb.yaml', layers.join('\n'))
  symlinkSync('/dev/zero', join(folder, 'device.yaml'))
  write('giant.yaml', `# ${' '.repeat(5_000_000)}`)
  symlinkSync('loop.yaml', join(folder, 'loop.yaml'))
  execFileSync('mkfifo', [join(folder, 'pipe.yaml')])
  const files = await readFolder(folder)
  expect(files.map(({ name, content, problem }) => [name, content, typeof problem])).toEqual(
    ['alias', 'bomb', 'device', 'giant', 'loop', 'pipe'].map((name) => [`${name}.yaml`, undefined, 'string']),
  )
})

test('a change, a new file, a file that goes and a folder that comes back are noticed once each', async () => {
  write('a.yaml', 'n: 1')
  const seen: FolderFile[][] = []
  const watch = watchFolder(folder, (files) => seen.push(files), { everyMs: 10 })
  const next = async (count: number) => await until(() => seen.length >= count, { withinMs: 10_000 })
  await next(1)
  write('a.yaml', 'n: 22')
  await until(() => JSON.stringify(seen.at(-1)).includes('22'), { withinMs: 10_000 })
  const before = seen.length
  renameSync(join(folder, 'a.yaml'), join(folder, 'b.yaml'))
  await next(before + 1)
  expect(seen.at(-1)!.map(({ name }) => name)).toEqual(['b.yaml'])
  rmSync(folder, { recursive: true })
  await until(() => seen.at(-1)![0]?.problem !== undefined, { withinMs: 10_000 })
  watch.stop()
  watch.stop()
})
