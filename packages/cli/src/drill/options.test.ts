import type { UsageError } from '@millrace/pipeline'
import { expect, test } from 'vitest'
import { type DrillFlags, readDrillOptions } from './options.ts'

const flags: DrillFlags = { duration: '2m', devices: '24', perturb: 'late=0.1', httpPort: '0' }

test('acts come in their order, whatever the order in which they are named', () => {
  expect(readDrillOptions({ ...flags, acts: 'poison, kills' }, '/d').acts).toEqual(['kills', 'poison'])
  expect(readDrillOptions({ ...flags, seed: '7' }, '/d')).toMatchObject({ durationMs: 120_000, seed: 7, keep: false })
})

test('every wrong flag is named at once', () => {
  const wrong = { ...flags, duration: '1s', seed: 'x', acts: 'flood', httpPort: '70000', devices: '-1' }
  let problems: readonly { path: string }[] = []
  try {
    readDrillOptions(wrong, '/d')
  } catch (error) {
    problems = (error as UsageError).problems
  }
  expect(problems.map(({ path }) => path).sort()).toEqual([
    '--acts',
    '--devices',
    '--duration',
    '--http-port',
    '--seed',
  ])
})
