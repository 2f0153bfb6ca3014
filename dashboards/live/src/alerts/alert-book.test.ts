import type { ApiAlert } from '@millrace/contracts'
import { expect, test } from 'vitest'
import { mockAlert } from '../../testing/mock-alerts.ts'
import { AlertBook } from './alert-book.ts'

const response = (...alerts: ApiAlert[]) => ({ at: 0, alerts, silences: [], evaluators: [] })

test('the most urgent comes first, then what nobody has dealt with, then the newest', () => {
  const book = new AlertBook()
  const acknowledged = { by: 'me', atMs: 5, note: '' }
  book.put(
    response(
      mockAlert({ rule: 'a', severity: 'info', start: 9 }),
      mockAlert({ rule: 'b', severity: 'critical', start: 3, acknowledged }),
      mockAlert({ rule: 'c', severity: 'critical', start: 1 }),
      mockAlert({ rule: 'd', severity: 'critical', start: 2 }),
      mockAlert({ rule: 'e', severity: 'warning', start: 8, state: 'cleared', end: 9 }),
    ),
  )
  expect(book.active().map(({ rule }) => rule)).toEqual(['d', 'c', 'b', 'a'])
  expect(book.past().map(({ rule }) => rule)).toEqual(['e'])
})

test('an older revision never replaces a newer one, an acknowledgement of the same one does', () => {
  const book = new AlertBook()
  const over = mockAlert({ rule: 'a', start: 1, rev: 2, state: 'cleared', end: 7 })
  book.change({ alerts: [over] })
  book.change({ alerts: [mockAlert({ rule: 'a', start: 1, rev: 1 })] })
  expect(book.find(over.id)).toEqual(over)
  const acknowledged = { by: 'me', atMs: 5, note: 'seen' }
  book.change({ alerts: [{ ...over, acknowledged }] })
  expect(book.find(over.id)?.acknowledged).toEqual(acknowledged)
})

test('an alert that the ingest no longer knows is not active for ever; one that came after the question stays', () => {
  const book = new AlertBook()
  book.put(response(mockAlert({ rule: 'a', start: 1 }), mockAlert({ rule: 'b', start: 1 })))
  const before = book.active()
  book.change({ alerts: [mockAlert({ rule: 'c', start: 1 })] })
  book.put(response(mockAlert({ rule: 'b', start: 1 })), before)
  expect(book.active().map(({ rule }) => rule)).toEqual(['b', 'c'])
})

test('a series is concerned by its own alerts, by those of its device, and by those of its metric over the site', () => {
  const book = new AlertBook()
  const mine = { site: 's', device: 'd', metric: 'm', start: 1 }
  book.put(
    response(
      mockAlert({ ...mine, rule: 'own' }),
      mockAlert({ ...mine, rule: 'other-metric', metric: 'x' }),
      mockAlert({ ...mine, rule: 'other-device', device: 'x' }),
      mockAlert({ ...mine, rule: 'silent', metric: null, cause: 'device-silent' }),
      mockAlert({ ...mine, rule: 'group', device: null }),
      mockAlert({ ...mine, rule: 'agent', device: null, metric: null, cause: 'agent-offline' }),
      mockAlert({ ...mine, rule: 'other-site', site: 'x' }),
    ),
  )
  expect(
    book
      .ofSeries(mine)
      .map(({ rule }) => rule)
      .sort(),
  ).toEqual(['group', 'own', 'silent'])
  expect(
    book
      .activeOfDevice(mine)
      .map(({ rule }) => rule)
      .sort(),
  ).toEqual(['other-metric', 'own', 'silent'])
})

test('what is over is forgotten once there is too much of it, oldest first, active alerts never', () => {
  const book = new AlertBook()
  const over = Array.from({ length: 2_100 }, (_, start) =>
    mockAlert({ rule: 'a', start, state: 'cleared', end: start }),
  )
  book.change({ alerts: [mockAlert({ rule: 'b', start: -1 }), ...over] })
  expect(book.past()).toHaveLength(2_000)
  expect(book.past().at(-1)?.start).toBe(100)
  expect(book.active()).toHaveLength(1)
})
