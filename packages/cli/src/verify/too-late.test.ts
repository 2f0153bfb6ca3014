import { describe, expect, it } from 'vitest'
import { humanReport, isClean } from './report.ts'
import { changed, check, type Fake, lines, minute, rowsOf, soundRows, t0 } from './testing.ts'

/** Readings 3 and 4 of the first window came too late for the temperature. */
const late = [3, 4]
const without = (seqs: readonly number[]) => ({
  ...soundRows(),
  temperature: rowsOf(
    'temperature',
    lines.filter(({ seq }) => !seqs.includes(seq!)),
  ),
})
const named = late.map((seq) => ({ metric: 'temperature', ts: t0 + seq * 6000, seq, boot: 'b', value: 20 + seq / 10 }))
const floorMs = t0 + minute
const verdictOf = (fake: Fake) => check({ rows: without(late), ...fake })

describe('readings that an agent names as too late', () => {
  it('may be in no row, and are counted one by one', async () => {
    const report = await verdictOf({ tooLate: { count: 2, named, floorMs } })
    expect(report).toMatchObject({ missing: 0, wrongValue: 0, tooLate: 2, tooLateNotNamed: 0, notChecked: 0 })
    expect(isClean(report)).toBe(true)
    expect(humanReport(report)).toMatch(/too late +2 .*names each[\s\S]*OK: .*named as too late \(2\)/)
  })

  it('may be in a row as well, for what came too late may have been a repeat', async () => {
    const report = await check({ tooLate: { count: 2, named, floorMs } })
    expect(report).toMatchObject({ missing: 0, doubled: 0, tooLate: 0 })
    expect(isClean(report)).toBe(true)
  })

  it('may be all of a window', async () => {
    const all = Array.from({ length: 10 }, (_, seq) => ({ ...named[0]!, ts: t0 + seq * 6000, seq }))
    const { temperature, energy } = soundRows()
    const report = await check({
      rows: { temperature: temperature.slice(1), energy },
      tooLate: { count: 10, named: all, floorMs },
    })
    expect(report).toMatchObject({ missing: 0, tooLate: 10 })
  })

  it('do not stand for others: a lost one is missing, however many repeats came too late', async () => {
    const report = await check({ rows: without([7]), tooLate: { count: 2, named, floorMs } })
    expect(report).toMatchObject({ missing: 1, tooLate: 0, tooLateNotNamed: 0 })
    expect(isClean(report)).toBe(false)
    const two = await check({ rows: without([3, 4, 7]), tooLate: { count: 2, named, floorMs } })
    expect(two).toMatchObject({ missing: 1, tooLate: 2, tooLateNotNamed: 0 })
  })

  it('are not believed where their window was not given up: then they are missing', async () => {
    const report = await verdictOf({ tooLate: { count: 2, named, floorMs: t0 } })
    expect(report).toMatchObject({ missing: 2, tooLate: 0 })
    expect(isClean(report)).toBe(false)
  })

  it('do not excuse a wrong value beside them', async () => {
    const rows = without(late)
    rows.temperature[0] = { ...rows.temperature[0]!, max: 99 }
    expect(isClean(await check({ rows, tooLate: { count: 2, named, floorMs } }))).toBe(false)
  })
})

describe('readings that an agent only counts as too late', () => {
  it('are not checked, and told as such, up to their number', async () => {
    const report = await verdictOf({ tooLate: { count: 2, floorMs } })
    expect(report).toMatchObject({ missing: 0, tooLate: 0, tooLateNotNamed: 2 })
    expect(report.notCheckedBy).toEqual({ 'too late, not named': 1 })
    expect(humanReport(report)).toContain('OK but for 2 that nobody could check')
    expect(await verdictOf({ tooLate: { count: 1, floorMs } })).toMatchObject({ missing: 1, tooLateNotNamed: 1 })
  })

  it('are of no window that the agent has not given up', async () => {
    expect(await verdictOf({ tooLate: { count: 2, floorMs: floorMs - 1 } })).toMatchObject({ missing: 2 })
    expect(await verdictOf({ tooLate: { count: 2 } })).toMatchObject({ missing: 2 })
  })

  it('may be of any window where a spool is gone, and its floors with it', async () => {
    expect(await verdictOf({ tooLate: { count: 0, elsewhere: 2 } })).toMatchObject({ missing: 0, tooLateNotNamed: 2 })
  })

  it('are of no window of this agent where another counts them', async () => {
    const report = await verdictOf({ tooLate: { count: 0, elsewhere: 2, elsewhereBy: 'another' } })
    expect(report).toMatchObject({ missing: 2, tooLateNotNamed: 0 })
  })

  it('hide no value that is wrong', async () => {
    const rows = without(late)
    rows.temperature[0] = { ...rows.temperature[0]!, max: 99 }
    expect(isClean(await check({ rows, tooLate: { count: 2, floorMs } }))).toBe(false)
  })

  it('hide no reading that is there twice or in another window', async () => {
    const doubled = changed(0, { count: 11 })
    expect(isClean(await check({ rows: doubled, tooLate: { count: 5, floorMs } }))).toBe(false)
  })
})
