import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RuleWindow } from '@millrace/rules'
import { afterAll, expect, it } from 'vitest'
import { loadRecording } from './load-recording.ts'
import { minuteMs, t0 } from './testing.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace recording-'))
afterAll(() => rmSync(folder, { recursive: true }))

const options = { lengthMs: minuteMs, wantsReadings: () => false, progress: () => undefined }

interface Line {
  ts: number | null
  value: number
  seq?: number
  boot?: string
}

function linesFile(name: string, lines: readonly Line[]): string {
  const file = join(folder, `${name}.ndjson`)
  const texts = lines.map(({ value, ...rest }) =>
    JSON.stringify({ site: 's', device: 'd', ...rest, readings: { temperature: value }, acked: true, copies: 1 }),
  )
  writeFileSync(file, `${texts.join('\n')}\n{"end":true}\n`)
  return file
}

/** A reading every 7 s for half an hour. */
const lines = Array.from({ length: 257 }, (_none, n) => ({
  ts: t0 + n * 7_000,
  value: Math.round(20 + 10 * Math.sin(n / 9)),
  seq: n,
  boot: 'a',
}))

const facts = (windows: readonly RuleWindow[]) =>
  windows
    .map(({ start, count, min, max, mean, last, unit }) => ({ start, count, min, max, mean, last, unit }))
    .sort((a, b) => a.start - b.start)

/** The same windows, counted plainly. */
function plain() {
  const byMinute = Map.groupBy(lines, ({ ts }) => Math.floor(ts / minuteMs) * minuteMs)
  return [...byMinute].map(([start, readings]) => {
    const values = readings.map(({ value }) => value)
    const sum = values.reduce((total, value) => total + value, 0)
    return {
      ...{ start, count: values.length, min: Math.min(...values), max: Math.max(...values), unit: '°C' },
      ...{ mean: sum / values.length, last: values.at(-1) },
    }
  })
}

it('makes the windows that a plain count makes', async () => {
  const past = await loadRecording({ file: linesFile('plain', lines) }, options)
  expect(facts(past.windows)).toEqual(plain())
  expect(past.notes).toEqual([])
})

it('makes the same windows of the same lines late, shuffled and doubled', async () => {
  const shuffled = [...lines, ...lines].map((line, n) => ({ line, key: (n * 7919) % 514 }))
  shuffled.sort((a, b) => a.key - b.key)
  const file = linesFile(
    'shuffled',
    shuffled.map(({ line }) => line),
  )
  expect(facts((await loadRecording({ file }, options)).windows)).toEqual(plain())
})

it('counts the messages of each window and those that are missing between its first and last', async () => {
  const file = linesFile(
    'gaps',
    lines.filter(({ seq }) => seq !== 2 && seq !== 4),
  )
  const { completeness } = await loadRecording({ file }, options)
  const first = completeness.find(({ start }) => start === t0)
  expect(first).toMatchObject({ site: 's', device: 'd', messages: 7, expected: 9 })
})

it('keeps single readings only of series that a rule wants one by one', async () => {
  const file = linesFile('readings', lines.slice(0, 3))
  const { readings } = await loadRecording({ file }, { ...options, wantsReadings: ({ device }) => device === 'd' })
  expect(readings.map(({ ts, value }) => [ts, value])).toEqual(lines.slice(0, 3).map(({ ts, value }) => [ts, value]))
  expect((await loadRecording({ file }, options)).readings).toEqual([])
})

it('says what it leaves out', async () => {
  const far = lines.at(-1)!.ts + 48 * 3_600_000
  const file = linesFile('left-out', [...lines, { ts: null, value: 1 }, { ts: far, value: 1 }, { ts: t0, value: 2 }])
  const { notes } = await loadRecording({ file }, options)
  expect(notes).toEqual(['1 readings set aside: too-late', '1 messages carry no time and are left out'])
})

it('reads a recording through the simulator, with what could not be read', async () => {
  const [file, map] = [join(folder, 'r.csv'), join(folder, 'r.yaml')]
  writeFileSync(file, 'at,t\n2026-01-05T12:00:00Z,4\nlater,5\n2026-01-05T12:00:30Z,6\n')
  writeFileSync(
    map,
    'format: csv\ntime: { column: at, format: iso }\nsite: s\ndevice: d\nmetrics: { temperature: t }\n',
  )
  const { windows, notes } = await loadRecording({ file, map }, options)
  expect(windows).toMatchObject([{ start: t0, count: 2, mean: 5 }])
  expect(notes.join('\n')).toContain('line 3: no time')
})

it.each([
  ['a file that is not there', { file: '/nowhere.csv' }],
  ['a recording without a map', { file: import.meta.filename }],
  ['a map that is not there', { file: linesFile('any', []), map: '/nowhere.yaml' }],
])('refuses %s as wrong usage', async (_claim, source) => {
  await expect(loadRecording(source, options)).rejects.toMatchObject({ exitCode: 2 })
})
