import type { UsageError } from '@millrace/pipeline'
import { expect, it } from 'vitest'
import { wishOf } from './plan.ts'

it('names flags that no plan can be made with, by the names they have here', () => {
  let problems: string[] = []
  try {
    wishOf({ devices: '0', window: '0s', sample: 'x', tier: 'S9', units: '-1' })
  } catch (error) {
    problems = (error as UsageError).problems.map(({ path }) => path)
  }
  expect(problems.sort()).toEqual(['--devices', '--sample', '--tier', '--units', '--window'])
  expect(wishOf({ devices: '10', window: '5m' })).toEqual({ tier: undefined, units: 1 })
})
