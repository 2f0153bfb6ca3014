import { expect, test } from 'vitest'
import { daysIn } from './days.ts'

const hours = (from: number, to: number) => (to - from) / 3_600_000

test.each([
  ['UTC', '2026-03-29T12:00:00Z', '2026-03-29T00:00:00Z', 24],
  ['Europe/Berlin', '2026-03-29T12:00:00Z', '2026-03-28T23:00:00Z', 23],
  ['Europe/Berlin', '2026-10-25T22:59:59Z', '2026-10-24T22:00:00Z', 25],
  ['Asia/Kathmandu', '2026-06-01T12:00:00Z', '2026-05-31T18:15:00Z', 24],
  ['America/Santiago', '2026-09-06T12:00:00Z', '2026-09-06T04:00:00Z', 23],
  ['Pacific/Auckland', '2026-04-05T00:00:00Z', '2026-04-04T11:00:00Z', 25],
])('a day in %s that holds %s begins at %s and has %i hours', (...[zone, inside, start, length]) => {
  const days = daysIn(zone)
  const ts = Date.parse(inside)
  expect(new Date(days.startOf(ts)).toISOString()).toBe(new Date(start).toISOString())
  expect(hours(days.startOf(ts), days.endOf(ts))).toBe(length)
})

test('days follow each other without gap through a year', () => {
  for (const zone of ['Europe/Berlin', 'America/Santiago', 'Australia/Lord_Howe']) {
    const days = daysIn(zone)
    let at = days.startOf(Date.UTC(2026, 0, 1, 12))
    for (let day = 0; day < 366; day++) {
      const end = days.endOf(at)
      expect(days.startOf(end - 1)).toBe(at)
      expect(days.startOf(end)).toBe(end)
      at = end
    }
  }
})
