import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { differencesFrom, expectedText, loadExpected } from './expect.ts'
import { momentOf } from './history.ts'
import { pastReportLines } from './report.ts'
import { alertOf, minuteMs, t0 } from './testing.ts'
import { lengthText, timeText } from './text.ts'
import { timelineLines } from './timeline.ts'

const span = { fromMs: t0, toMs: t0 + 60 * minuteMs }
const windowAt = (minute: number) =>
  ({ site: 's', device: 'd', metric: 'm', start: t0 + minute * minuteMs, lengthMs: minuteMs }) as never
/** A gap from minute 30 to 40. */
const windows = Array.from({ length: 60 }, (_none, n) => n)
  .filter((minute) => minute < 30 || minute >= 40)
  .map(windowAt)

it('the timeline marks firing, quiet and nothing to judge, each in its place', () => {
  const alerts = [alertOf('warm', [0, 6]), alertOf('warm', [50])]
  const [axis, line] = timelineLines({ alerts, windows, span, width: 4 + 'warm  s/d/m'.length + 60 })
  expect(line).toBe(`warm  s/d/m  ${'█'.repeat(6)}${'·'.repeat(24)}${' '.repeat(10)}${'·'.repeat(10)}${'█'.repeat(10)}`)
  expect(axis!.trim()).toMatch(/^2026-01-05 12:00 .* 2026-01-05 13:00 UTC$/)
})

it('the table shows when it was bad, when it was raised, how long and how badly; sums count still active ones', () => {
  const alerts = [alertOf('warm', [0, 6]), alertOf('warm', [50])]
  const judgement = { alerts, span, windows: windows.length }
  const text = pastReportLines(
    { name: 'r.csv', folder: '.', rules: ['warm', 'cold'], judgement, notes: ['3 lines unparsable'] },
    windows,
    100,
  ).join('\n')
  expect(text).toContain('r.csv: 50 windows, 2026-01-05 12:00 to 2026-01-05 13:00 UTC (1h), 2 rules')
  expect(text).toContain('3 lines unparsable')
  expect(text).toMatch(/warm +s\/d\/m +2026-01-05 12:00 +2026-01-05 12:01 +2026-01-05 12:06 +6m +9.1235 °C +warm/)
  expect(text).toMatch(/12:50 .* active +10m so far/)
  expect(text).toMatch(/^cold +0 +-$/m)
  expect(text).toMatch(/^warm +2 +16m +1 active$/m)
})

it('many alerts of one rule do not hide those of another', () => {
  const alerts = [
    ...Array.from({ length: 15 }, (_none, n) => alertOf('often', [n * 3, n * 3 + 1])),
    alertOf('rare', [50, 51]),
  ]
  const judgement = { alerts, span, windows: windows.length }
  const report = { name: 'r', folder: '.', rules: ['often', 'rare'], judgement, notes: [] }
  const text = pastReportLines(report, windows, 100).join('\n')
  expect(text).toMatch(/^rare +s\/d\/m +2026-01-05 12:50/m)
  expect(text).toContain('... and 5 more of often (--json lists them)')
})

it('says so where nothing fired', () => {
  const judgement = { alerts: [], span, windows: 50 }
  const lines = pastReportLines({ name: 'r', folder: '.', rules: ['warm'], judgement, notes: [] }, windows, 100)
  expect(lines).toContain('no alert')
})

it('expected alerts are written, read again, and differ by name', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'expect-'))
  const file = join(folder, 'expected.yaml')
  const alerts = [alertOf('warm', [0, 6]), alertOf('warm', [50])]
  writeFileSync(file, expectedText(alerts))
  const expected = await loadExpected(file)
  rmSync(folder, { recursive: true })
  expect(differencesFrom(expected, alerts)).toEqual([])
  const differences = differencesFrom(expected, [alerts[0]!, alertOf('warm', [51])])
  expect(differences).toEqual([
    '- expected, did not come: warm  s/d/m  2026-01-05 12:50 to the end',
    '+ came, not expected: warm  s/d/m  2026-01-05 12:51 to the end',
  ])
})

it('times of a backtest are ISO or lengths before now', () => {
  expect(momentOf('--from', '-24h', t0)).toBe(t0 - 86_400_000)
  expect(momentOf('--to', 'now', t0)).toBe(t0)
  expect(momentOf('--from', '2026-01-05T12:00:00Z', 0)).toBe(t0)
  expect(() => momentOf('--from', 'yesterday', t0)).toThrow(expect.objectContaining({ exitCode: 2 }))
})

it('lengths and times read well', () => {
  expect([0, 90_000, 3_600_000, 90_061_000, 45_000].map(lengthText)).toEqual(['0s', '1m 30s', '1h', '1d 1h', '45s'])
  expect(timeText(t0 + 1000)).toBe('2026-01-05 12:00:01')
})
