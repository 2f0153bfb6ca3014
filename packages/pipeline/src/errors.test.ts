import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  describeError,
  errorCodes,
  exitCodeOf,
  MillraceError,
  SpoolFullError,
  UnreachableError,
  UsageError,
} from './index.ts'

function documented(): Record<string, number> {
  const text = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8')
  const rows = text.matchAll(/^\| `([^`]+)` \| (\d) \| (\S.*\S) \| (\S.*\S) \|$/gm)
  return Object.fromEntries([...rows].map(([, code, exit]) => [code, Number(exit)]))
}

test('docs/errors.md lists exactly the codes there are, in their order, with their exit codes', () => {
  expect(documented()).toEqual(errorCodes)
  expect(Object.keys(documented())).toEqual(Object.keys(errorCodes))
})

test('each kind of error carries its code and exit code', () => {
  const errors = [
    new UsageError('x'),
    new UnreachableError('x'),
    new SpoolFullError('x'),
    new MillraceError('port-taken', 'x'),
  ]
  expect(errors.map(({ code, exitCode }) => [code, exitCode])).toEqual([
    ['usage', 2],
    ['unreachable', 3],
    ['spool-full', 1],
    ['port-taken', 2],
  ])
  expect(exitCodeOf(new Error('any other'))).toBe(1)
})

test('what a person reads has the problems and the hint, and no stack', () => {
  const problems = [{ path: '--rate', found: '"fast"', expected: 'a number' }]
  expect(describeError(new UsageError('two flags are wrong', problems, { hint: 'See --help.' }))).toBe(
    'two flags are wrong\n  --rate: found "fast"; allowed: a number\nSee --help.\n[usage]',
  )
  expect(describeError('text')).toBe('text')
})
