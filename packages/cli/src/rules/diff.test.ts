import { expect, it } from 'vitest'
import { diffAlerts, diffLines } from './diff.ts'
import { alertOf, minuteMs, t0 } from './testing.ts'

const before = [
  alertOf('warm', [0, 5]),
  alertOf('warm', [10, 15]),
  alertOf('warm', [20, 25]),
  alertOf('warm', [30, 35]),
  alertOf('warm', [40, 45]),
]
const after = [
  alertOf('warm', [0, 5]),
  alertOf('warm', [10, 18]),
  alertOf('warm', [20, 22]),
  alertOf('warm', [31, 35]),
  alertOf('warm', [50]),
]

it('tells apart what came, went, moved, grew, shrank and stayed', () => {
  const { entries, counts } = diffAlerts(before, after)
  expect(entries.map(({ kind }) => kind)).toEqual(['same', 'longer', 'shorter', 'moved', 'gone', 'added'])
  expect(counts).toEqual({ same: 1, longer: 1, shorter: 1, moved: 1, gone: 1, added: 1 })
})

it('an alert that falls apart is one that became shorter and one that came', () => {
  const { counts } = diffAlerts([alertOf('warm', [0, 20])], [alertOf('warm', [0, 5]), alertOf('warm', [10, 20])])
  expect(counts).toMatchObject({ shorter: 1, added: 1, gone: 0 })
})

it('never pairs alerts of different rules or subjects', () => {
  const { counts } = diffAlerts(
    [alertOf('a', [0, 5])],
    [alertOf('b', [0, 5]), alertOf('a', [0, 5], { device: 'other' })],
  )
  expect(counts).toMatchObject({ gone: 1, added: 2, same: 0 })
})

it('sums each rule before and after', () => {
  const lines = diffLines({
    diff: diffAlerts(before, after),
    ...{ before, after, rules: ['warm', 'quiet'], untilMs: t0 + 60 * minuteMs },
  })
  const text = lines.join('\n')
  expect(text).toMatch(/^quiet +0 -> 0/m)
  expect(text).toMatch(/^warm +5 -> 5 +25m -> 29m/m)
  expect(text).toContain('1 added, 1 gone, 1 moved, 1 longer, 1 shorter, 1 same')
  expect(text).toMatch(/> longer .*\+3m/)
})
