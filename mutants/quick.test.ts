import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** One or two of each kind, whose tests take a second: that the runner works and that these are still noticed. */
const quick = [
  'too-late-off-by-one',
  'rev-not-increased',
  'merge-drops-a-part',
  'journal-drops-one-more',
  'receipt-covers-one-more',
]

test('some mutants of each kind are killed, by a test that passes without them', () => {
  const { stdout, status } = spawnSync(
    process.execPath,
    [fileURLToPath(new URL('run.ts', import.meta.url)), ...quick],
    {
      encoding: 'utf8',
    },
  )
  expect(stdout).toContain(`${quick.length} of ${quick.length} mutants killed`)
  expect(status).toBe(0)
})

test('a mutant that no test notices is told, with exit code 1', () => {
  const run = fileURLToPath(new URL('run.ts', import.meta.url))
  const args = [run, 'stddev-of-the-sample', '--against', 'packages/windows/src/range-set.test.ts']
  const { stdout, status } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect(stdout).toContain('survived stddev-of-the-sample')
  expect(status).toBe(1)
})
