import { expect, test } from 'vitest'
import { mockAlert } from '../../testing/mock-alerts.ts'
import { formatLocal } from '../model/format.ts'
import { alertHref, describeChange, describeLate, describeValue, describeWhen, subjectOf } from './alert-words.ts'

const minuteMs = 60_000
const start = Date.parse('2026-01-11T10:00:00Z')
const clock = (ms: number) => formatLocal(ms).slice(11, 16)

test('says since when, or from when to when, and for how long', () => {
  const now = start + 12 * minuteMs
  expect(describeWhen(mockAlert({ rule: 'r', start }), now)).toBe(`since ${clock(start)}, 12 min`)
  const over = mockAlert({ rule: 'r', start, state: 'cleared', end: start + 6 * minuteMs })
  expect(describeWhen(over, now)).toBe(`${clock(start)} to ${clock(start + 6 * minuteMs)}, 6 min`)
  expect(describeWhen(over, now + 3 * 86_400_000)).toContain('2026-01-11 ')
})

test('what was learned long after it happened says so, what came at once does not, what never was neither', () => {
  const late = { rule: 'r', start, raised: start + minuteMs, learned: start + 31 * minuteMs }
  expect(describeLate(mockAlert(late))).toBe('learned 30 min later')
  expect(describeLate(mockAlert({ ...late, state: 'cleared', end: start + 30 * minuteMs }))).toBeUndefined()
  expect(describeLate(mockAlert({ ...late, state: 'withdrawn' }))).toBeUndefined()
})

test('a moved alert names the start it had, a withdrawn one why it is gone', () => {
  const movedFrom = `r/harbour/cold-store/temperature/${start - 4 * minuteMs}`
  const moved = describeChange(mockAlert({ rule: 'r', start, movedFrom }), start)
  expect(moved).toContain(`it was ${clock(start - 4 * minuteMs)} before`)
  expect(describeChange(mockAlert({ rule: 'r', start, state: 'withdrawn' }), start)).toMatch(
    /^Withdrawn at .*never was/,
  )
})

test('the subject of an offline agent is the agent; a rule over a site has no device', () => {
  const agent = { device: null, metric: null, cause: 'agent-offline', agent: 'dock' } as const
  expect(subjectOf(mockAlert({ rule: 'r', start, ...agent }))).toBe('harbour / agent dock')
  expect(subjectOf(mockAlert({ rule: 'r', start, device: null }))).toBe('harbour / temperature')
})

test('a value stands with its bound and unit, and an id becomes an address', () => {
  expect(describeValue(mockAlert({ rule: 'r', start }))).toBe('9.40 °C, bound 8.00 °C')
  expect(describeValue(mockAlert({ rule: 'r', start, value: null }))).toBe('')
  expect(alertHref('r/s:1/d/m/7')).toBe('#/alerts/r/s%3A1/d/m/7')
})
