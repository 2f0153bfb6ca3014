import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { mutants } from './index.ts'
import { applyMutant } from './mutant.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const loader = new URL('load.ts', import.meta.url).href
const run = promisify(execFile)

/** Evaluates a line in a process that starts as a mutant. */
function evaluate(name: string, line: string) {
  const args = ['--disable-warning=ExperimentalWarning', '--import', loader, '--eval', line]
  return run(process.execPath, args, { cwd: root, env: { ...process.env, MILLRACE_MUTANT: name } })
}

test('every mutant changes one place that is there exactly once, into a program that still parses', () => {
  const wrong = mutants.flatMap((mutant) => {
    try {
      const source = applyMutant(mutant, readFileSync(join(root, mutant.file), 'utf8'))
      stripTypeScriptTypes(source)
      return mutant.find === mutant.replace ? [`${mutant.name} changes nothing`] : []
    } catch (error) {
      return [String(error)]
    }
  })
  expect(wrong).toEqual([])
})

test('names of mutants are unique and the tests that kill them exist', () => {
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length)
  expect(mutants.filter(({ killedBy }) => !existsSync(join(root, killedBy.split(' > ')[0]!)))).toEqual([])
})

test('a mutant reaches the worker thread of the spool', async () => {
  const options = JSON.stringify({
    ...{ folder: join(tmpdir(), `millrace-mutant-${process.pid}`), application: 'test', version: 1, schema: [] },
    ...{ maxBytes: 1e7, reserveBytes: 1e5 },
  })
  const line = `
    import('./packages/spool/src/index.ts').then(async ({ openSpool }) => {
      const spool = await openSpool(${options})
      console.log((await spool.read('PRAGMA synchronous'))[0][0])
      await spool.close()
      require('node:fs').rmSync(${options}.folder, { recursive: true })
    })`
  expect((await evaluate('synchronous-off', line)).stdout).toBe('0\n')
  expect((await evaluate('', line)).stdout).toBe('2\n')
})

test('an unknown mutant ends the process before it does anything', async () => {
  await expect(evaluate('no-such-mutant', 'console.log("ran")')).rejects.toMatchObject({
    stdout: '',
    stderr: expect.stringContaining('there is no such mutant'),
  })
})

test('a mutant whose text has gone, or is there twice, is refused', () => {
  const mutant = { name: 'one', file: 'a.ts', find: 'x', replace: 'y', killedBy: 'b.test.ts' }
  expect(applyMutant(mutant, 'a x $& c')).toBe('a y $& c')
  expect(() => applyMutant(mutant, 'a')).toThrow(/occurs 0 times/)
  expect(() => applyMutant(mutant, 'x x')).toThrow(/occurs 2 times/)
})
