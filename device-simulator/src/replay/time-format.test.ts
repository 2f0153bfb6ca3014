import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTimeParser, formatProblem } from './time-format.ts'

const parse = (format: string, text: string, zone = 'UTC') => createTimeParser({ format, zone })(text)
const iso = (text: string) => Date.parse(text)

describe('times of a recording', () => {
  it.each([
    ['epoch-ms', '1163438041250', '2006-11-13T17:14:01.250Z'],
    ['epoch-s', '1163438041', '2006-11-13T17:14:01Z'],
    ['epoch-s', '1163438041.25', '2006-11-13T17:14:01.250Z'],
    ['iso', '2015-02-04T17:51:59Z', '2015-02-04T17:51:59Z'],
    ['iso', '2015-02-04T17:51:59.123456+01:00', '2015-02-04T16:51:59.123Z'],
    ['iso', '2015-02-04 17:51', '2015-02-04T17:51:00Z'],
    ['iso', '2015-02-04', '2015-02-04T00:00:00Z'],
    ['yyyy-MM-dd HH:mm:ss', '2015-02-04 17:51:59', '2015-02-04T17:51:59Z'],
    ['dd.MM.yyyy HH:mm', '04.02.2015 17:51', '2015-02-04T17:51:00Z'],
    ['M/d/yy h:mm:ss a', '2/4/15 5:51:59 PM', '2015-02-04T17:51:59Z'],
    ['M/d/yyyy h:mm a', '12/31/2015 12:05 am', '2015-12-31T00:05:00Z'],
    ["yyyyMMdd'T'HHmmss.SSS", '20150204T175159.250', '2015-02-04T17:51:59.250Z'],
    ['yyyy-MM-dd HH:mm:ssXXX', '2015-02-04 17:51:59-0330', '2015-02-04T21:21:59Z'],
  ])('%s reads %s', (format, text, expected) => {
    expect(formatProblem(format)).toBeUndefined()
    expect(parse(format, text)).toBe(iso(expected))
  })

  it.each([
    ['yyyy-MM-dd', '2015-02-30'],
    ['yyyy-MM-dd HH:mm', '2015-02-04 24:00'],
    ['yyyy-MM-dd', '2015-02-04 17:51'],
    ['h:mm a d.M.yyyy', '13:00 pm 1.1.2015'],
    ['epoch-ms', 'yesterday'],
    ['epoch-ms', ''],
    ['iso', '04/02/2015'],
  ])('%s refuses %s', (format, text) => {
    expect(parse(format, text)).toBeUndefined()
  })

  it('a format that says too little or uses unknown letters is refused', () => {
    expect(formatProblem('HH:mm')).toMatch(/year/)
    expect(formatProblem('yyyy-MM-dd QQ')).toMatch(/QQ/)
  })

  it('local times follow the zone: winter, summer, the hour that is twice and the hour that is not', () => {
    const brussels = (text: string) => parse('yyyy-MM-dd HH:mm', text, 'Europe/Brussels')
    expect(brussels('2015-02-04 17:51')).toBe(iso('2015-02-04T16:51Z'))
    expect(brussels('2015-07-04 17:51')).toBe(iso('2015-07-04T15:51Z'))
    expect(brussels('2015-10-25 02:30')).toBe(iso('2015-10-25T00:30Z'))
    expect(brussels('2015-10-25 03:00')).toBe(iso('2015-10-25T02:00Z'))
    expect(brussels('2015-03-29 01:59')).toBe(iso('2015-03-29T00:59Z'))
    expect(brussels('2015-03-29 02:30')).toBe(iso('2015-03-29T01:30Z'))
    expect(brussels('2015-03-29 03:00')).toBe(iso('2015-03-29T01:00Z'))
  })

  it.each(['Europe/Brussels', 'America/St_Johns', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'UTC'])(
    'a moment written in %s is read as the same moment, or as the hour before it that is written alike',
    (zone) => {
      const read = createTimeParser({ format: 'yyyy-MM-dd HH:mm:ss', zone })
      const write = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' })
      const seconds = fc.integer({ min: Date.UTC(2001, 0, 1) / 1000, max: Date.UTC(2037, 0, 1) / 1000 })
      fc.assert(
        fc.property(seconds, (second) => {
          const text = write.format(second * 1000)
          const found = read(text)!
          expect(write.format(found)).toBe(text)
          expect(second * 1000 - found).toBeGreaterThanOrEqual(0)
          expect(second * 1000 - found).toBeLessThanOrEqual(3_600_000)
        }),
      )
    },
  )
})
