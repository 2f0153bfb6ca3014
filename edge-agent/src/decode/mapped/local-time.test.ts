import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LocalTime } from './local-time.ts'

/** The text that a clock of the zone shows. */
function shownIn(zone: string, ms: number): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' }).format(ms)
}

describe('the local time of a zone', () => {
  it('is read back as the instant that its clock shows, or as one of two', () => {
    const zone = fc.constantFrom(
      'Europe/Berlin',
      'America/New_York',
      'Asia/Kolkata',
      'Australia/Lord_Howe',
      'Pacific/Chatham',
      'UTC',
    )
    const second = fc.integer({ min: Date.UTC(2000, 0, 3) / 1000, max: Date.UTC(2099, 11, 30) / 1000 })
    fc.assert(
      fc.property(zone, second, (name, at) => {
        const read = new LocalTime(name).read(shownIn(name, at * 1000))
        expect(read === 'ambiguous' || read === at * 1000).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('is ambiguous for the hour shown twice alone, and never the hour left out', () => {
    const local = new LocalTime('Europe/Berlin')
    expect(['01:59:59', '02:00:00', '02:59:59', '03:00:00'].map((time) => local.read(`2026-10-25T${time}`))).toEqual([
      Date.UTC(2026, 9, 24, 23, 59, 59),
      'ambiguous',
      'ambiguous',
      Date.UTC(2026, 9, 25, 2),
    ])
    expect(['01:59:59', '02:00:00', '02:59:59', '03:00:00'].map((time) => local.read(`2026-03-29 ${time}`))).toEqual([
      Date.UTC(2026, 2, 29, 0, 59, 59),
      undefined,
      undefined,
      Date.UTC(2026, 2, 29, 1),
    ])
  })

  it('is none in any other text', () => {
    const local = new LocalTime('UTC')
    for (const text of [
      '',
      'now',
      '2026-13-01T00:00:00',
      '2026-02-29T00:00:00',
      '2026-01-01T24:00:00',
      '2026-01-01T00:00:00Z',
    ]) {
      expect(local.read(text)).toBeUndefined()
    }
  })
})
