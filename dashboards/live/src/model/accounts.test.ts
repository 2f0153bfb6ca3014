import type { AccountsResponse } from '@millrace/contracts'
import { expect, test } from 'vitest'
import { countedOf, describeReasons, termsOf, verdictOf } from './accounts.ts'

const total: AccountsResponse['total'] = {
  accepted: 100,
  closed: 80,
  open: 10,
  duplicate: 4,
  tooLate: 3,
  invalid: 2,
  dropped: 1,
  qos0: 0,
  unaccounted: 0,
  sent: 80,
  held: 80,
  refused: 0,
  missingUpstream: 0,
  deadLetters: 0,
  conflicts: 0,
  mismatch: 0,
}
const accounts = (more: Partial<typeof total>, stores: AccountsResponse['stores'] = []): AccountsResponse => ({
  at: 0,
  total: { ...total, ...more },
  devices: [],
  stores,
})

test('the terms shown add up to what was accepted', () => {
  const terms = termsOf(total)
  expect(terms.map(({ id }) => id)).toEqual(['closed', 'open', 'duplicate', 'tooLate', 'invalid', 'dropped'])
  expect(terms.reduce((sum, { count }) => sum + count, 0)).toBe(total.accepted)
})

test('reasons of a device are summed and named, most frequent first', () => {
  const { invalid, dropped } = countedOf({
    ...{ site: 's', device: 'd', agent: 'a', spool: 'x', accepted: 0, closed: 0, open: 0, duplicate: 0, tooLate: 0 },
    ...{ qos0: 0, unaccounted: 0, sent: 0, held: 0, refused: 0 },
    invalid: { future: 1, 'bad-time': 3 },
    dropped: {},
  })
  expect([invalid, dropped]).toEqual([4, 0])
  expect(describeReasons({ future: 1, 'bad-time': 3, 'bad-name': 0 })).toBe('bad-time 3, future 1')
})

test('only a difference, a conflict or a failing store is bad; what is on its way is waiting', () => {
  expect(verdictOf(accounts({})).level).toBe('good')
  expect(verdictOf(accounts({ unaccounted: 1 }))).toEqual({ level: 'bad', text: '1 reading is unaccounted for.' })
  expect(verdictOf(accounts({ unaccounted: -2 })).level).toBe('bad')
  expect(verdictOf(accounts({ mismatch: -1 })).level).toBe('bad')
  expect(verdictOf(accounts({ conflicts: 1 })).level).toBe('bad')
  expect(verdictOf(accounts({}, [{ type: 'influxdb', behind: 0, error: 'refused' }])).level).toBe('bad')
  const compared = { type: 'duckdb', behind: 0, error: null, checked: 9 }
  expect(verdictOf(accounts({}, [{ ...compared, unaccounted: 1 }])).text).toBe(
    "The store duckdb and the ingest's own disk differ by 1 reading.",
  )
  expect(verdictOf(accounts({}, [{ ...compared, unaccounted: 0 }])).level).toBe('good')
  const said = { site: 's', agent: 'a', unaccounted: 2, lostMessages: 1 }
  expect(verdictOf({ ...accounts({}), agents: [said] })).toMatchObject({ level: 'bad' })
  expect(verdictOf(accounts({ missingUpstream: 4 })).level).toBe('waiting')
  expect(verdictOf(accounts({}, [{ type: 'duckdb', behind: 1, error: null }])).text).toBe(
    '1 row on disk, not yet in a store.',
  )
  expect(verdictOf(accounts({ accepted: 0 })).level).toBe('waiting')
  expect(verdictOf(accounts({ gaveUpUpstream: 2 })).text).toContain('2 messages were given up by full agents')
})
