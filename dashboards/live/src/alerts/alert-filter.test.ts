import { expect, test } from 'vitest'
import { mockAlert } from '../../testing/mock-alerts.ts'
import { readRoute, writeRoute } from '../model/route.ts'
import { isEmpty, matcherOf, readFilter, writeFilter } from './alert-filter.ts'

const alert = mockAlert({ rule: 'freezer-warm', start: 1, labels: { team: 'kitchen' } })
const everything = { severity: '', site: '', rule: '', text: '' } as const

test('a filter is an address and comes back from it; a severity that there is not is none', () => {
  const filter = { severity: 'critical', site: 's', rule: 'r', text: 'door open' } as const
  const address = writeRoute({ view: 'alerts', parts: [], query: writeFilter(filter) })
  expect(readFilter(readRoute(address))).toEqual(filter)
  expect(readFilter(readRoute('#/alerts?severity=worst'))).toEqual(everything)
  expect(isEmpty(everything)).toBe(true)
  expect(isEmpty(filter)).toBe(false)
})

test.each([
  [{}, true],
  [{ severity: 'warning' }, true],
  [{ severity: 'critical' }, false],
  [{ site: 'harbour', rule: 'freezer-warm' }, true],
  [{ site: 'elsewhere' }, false],
  [{ rule: 'freezer' }, false],
  [{ text: 'COLD team=kitchen' }, true],
  [{ text: 'cold roof' }, false],
] as const)('%j lets the alert through: %s', (told, through) => {
  expect(matcherOf({ ...everything, ...told })(alert)).toBe(through)
})
