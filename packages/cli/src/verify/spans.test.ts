import type { ApiSummary } from '@millrace/contracts'
import { describe, expect, it } from 'vitest'
import { compareSketch } from './compare-sketch.ts'
import { humanReport, isClean } from './report.ts'
import { byStep, changed, check, merged, minute, row, soundRows, t0 } from './testing.ts'

describe('hours and days', () => {
  const hours = (fields: Partial<ApiSummary>) => ({
    temperature: merged(soundRows().temperature, byStep['1h']).map((hour) => ({ ...hour, ...fields })),
  })

  it('are counted where they are the merge of their minutes', async () => {
    expect(await check({})).toMatchObject({ hours: 2, days: 2, wrongHours: 0, wrongDays: 0 })
  })

  it.each<[string, Partial<ApiSummary>]>([
    ['count', { count: 35 }],
    ['sum', { sum: 1643.5 }],
    ['max', { max: 1e6 }],
    ['min', { min: 19 }],
    ['first', { first: 19 }],
    ['firstTs', { firstTs: t0 + 1 }],
    ['last', { last: 19 }],
    ['lastTs', { lastTs: t0 + 1 }],
    ['mean', { mean: 20 }],
    ['stddev', { stddev: 2 }],
    ['unstamped', { unstamped: 1 }],
    ['unit', { unit: 'K' }],
  ])('fail where %s is another', async (field, fields) => {
    const report = await check({ hours: hours(fields) })
    expect(isClean(report)).toBe(false)
    expect(report).toMatchObject({ wrongHours: 1, wrongDays: 0, wrongValue: 0, missing: 0, doubled: 0 })
    expect(report.differences[0]).toMatchObject({ step: '1h', start: t0, fields: [{ field }] })
    expect(humanReport(report)).toContain('a/d/temperature 2025-11-20T12:00:00Z (hour): wrong value')
  })

  it('fail where one is missing, is there twice, or has no minutes', async () => {
    expect(await check({ hours: { temperature: [] } })).toMatchObject({ wrongHours: 1, missing: 0 })
    const [hour] = hours({}).temperature
    expect(await check({ hours: { temperature: [hour!, hour!] } })).toMatchObject({ wrongHours: 1 })
    const empty = { ...hour!, start: t0 - byStep['1h'] }
    expect(await check({ hours: { temperature: [empty, hour!] } })).toMatchObject({ wrongHours: 1 })
  })

  it('are not checked, and counted so, where they differ while a window of theirs is open', async () => {
    const report = await check({ hours: hours({ count: 20 }), open: [[t0 + 3 * minute, minute]] })
    expect(report).toMatchObject({ wrongHours: 0, notCheckedBy: { 'hours with open windows': 1 } })
    expect(isClean(report)).toBe(true)
  })
})

describe('sketches and units', () => {
  /** Ten readings of 20.0 to 20.9, and nine of them. */
  const [ten, nine] = ['AQAAA6wCAQEEAQU=', 'AQAAA6wCAQEEAQQ=']
  const sketched = async (sketch: string, fields: Partial<ApiSummary> = {}) => {
    const rows = changed(0, { sketch, ...fields })
    const hours = { temperature: merged(soundRows().temperature, byStep['1h']) }
    return await check({ rows, hours })
  }

  it('of the window agree with its count', async () => {
    expect(isClean(await sketched(ten))).toBe(true)
    expect((await sketched(nine)).differences).toMatchObject([
      { fields: [{ field: 'sketch', expected: 10, found: 9 }] },
    ])
    expect(await sketched('rubbish')).toMatchObject({ wrongValue: 1 })
  })

  it('and with percentiles, of several parts too', async () => {
    expect(isClean(await sketched(ten, { parts: 2 }))).toBe(true)
    expect(await sketched(ten, { parts: 2, p95: 20 })).toMatchObject({ wrongValue: 1 })
  })

  it('and with the values of a constant series, whose percentiles are its min and max', () => {
    const constant = row(Array.from({ length: 10 }, (_, at) => [t0 + at * 6000, 20.5]))
    /** Ten readings of 20.5, nine of them, and ten of 21.5. */
    const [own, fewer, foreign] = ['AQAAAbACCg==', 'AQAAAbACCQ==', 'AQAAAbQCCg==']
    const fieldsOf = (sketch: string) => compareSketch({ ...constant, sketch }).map(({ field }) => field)
    expect(fieldsOf(own)).toEqual([])
    expect(fieldsOf(fewer)).toEqual(['sketch'])
    expect(fieldsOf(foreign)).toEqual(['p50', 'p95', 'p99'])
  })

  it('are those of the catalogue', async () => {
    const report = await check({ unit: 'K' })
    expect(report.differences[0]).toMatchObject({ fields: [{ field: 'unit', found: 'K' }] })
  })

  it.each([0, 1, 2])('and of each row, where rows tell theirs (row %i)', async (index) => {
    const hours = { temperature: merged(soundRows().temperature, byStep['1h']) }
    const rows = changed(index, { unit: 'K' })
    rows.temperature = rows.temperature.map((one) => ({ unit: '°C', ...one }))
    const report = await check({ rows, hours })
    const days = report.differences.filter(({ step }) => step === '1d')
    expect(report).toMatchObject({ wrongValue: 1, wrongHours: 0 })
    expect(report.differences).toMatchObject([
      { start: t0 + index * minute, fields: [{ field: 'unit', expected: '°C', found: 'K' }] },
      ...days,
    ])
  })
})

it('readings without a time in a window are a difference where every reading had one', async () => {
  expect(await check({ rows: changed(0, { unstamped: 1 }) })).toMatchObject({ wrongValue: 1 })
})
