import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RuleWindow } from '@millrace/rules'
import { afterAll, expect, it } from 'vitest'
import { checkExitCode, checkFolder, checkLines } from './check.ts'
import { diffAlerts } from './diff.ts'
import type { Past } from './past.ts'
import { pastReportJson } from './report.ts'
import { minuteMs, t0 } from './testing.ts'
import { tryRules } from './try-rules.ts'

const base = mkdtempSync(join(tmpdir(), 'millrace rules-'))
afterAll(() => rmSync(base, { recursive: true }))

let folders = 0
function folderOf(files: Record<string, string>): string {
  const folder = join(base, String(folders++))
  mkdirSync(folder)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

const warm = (above: number, more = '') =>
  `rules:\n  - { id: warm, at: edge, kind: threshold, select: { metric: temperature }, above: ${above}${more} }\n`

function windowOf(minute: number, value: number, device = 'd'): RuleWindow {
  const start = t0 + minute * minuteMs
  const [first, last] = [value, value]
  return {
    ...{ site: 's', device, metric: 'temperature', unit: '°C', agent: null, start, lengthMs: minuteMs, rev: 0 },
    ...{ count: 1, sum: value, min: value, max: value, mean: value, stddev: 0, first, firstTs: start, last },
    ...{ lastTs: start + 59_000, p50: value, p95: value, p99: value, increase: null },
  }
}

/** Minutes with these values; null is a minute without a window. */
function pastOf(values: readonly (number | null)[], device = 'd'): Past {
  const windows = values.flatMap((value, minute) => (value === null ? [] : [windowOf(minute, value, device)]))
  return { name: 'test', windows, completeness: [], readings: [], notes: [] }
}

const common = { cannotJudge: () => undefined, progress: () => undefined }
const tried = async (folder: string, past: Past, other?: string) =>
  await tryRules({ folder, other, load: () => Promise.resolve(past), ...common })

const span = ({ start, end }: { start: number; end: number | null }) => [
  (start - t0) / minuteMs,
  end === null ? null : (end - t0) / minuteMs,
]

it('episodes begin with the first bad window and end with the first good one; a gap ends nothing', async () => {
  const past = pastOf([1, 9, 9, 1, 9, null, null, 9, 1, 9])
  const { judgement } = (await tried(folderOf({ 'a.yaml': warm(8) }), past)).tried
  expect(judgement.alerts.map(span)).toEqual([
    [1, 3],
    [4, 8],
    [9, null],
  ])
})

it('the order in which a past is told changes nothing, nor does telling it twice', async () => {
  const folder = folderOf({ 'a.yaml': warm(8, ', for: 2m') })
  const past = pastOf([1, 9, 9, 1, 9, 9, 9, null, 9, 1, 9, 1])
  const straight = await tried(folder, past)
  const { windows } = past
  const turned = await tried(folder, { ...past, windows: [...windows.toReversed(), ...windows] })
  const json = ({ tried: { judgement, rules } }: typeof straight) =>
    pastReportJson({ name: 'n', folder, rules, judgement: { ...judgement, windows: 0 }, notes: [] })
  expect(json(turned)).toEqual(json(straight))
  expect(straight.tried.judgement.alerts.map(span)).toEqual([
    [1, 3],
    [4, 9],
  ])
})

it('a device that says nothing while others do is silent, from its last word to its next', async () => {
  const rule = 'rules:\n  - { id: silent, at: edge, kind: silence, of: device, for: 5m }\n'
  const others = pastOf(
    Array.from({ length: 30 }, () => 1),
    'other',
  )
  const lonely = pastOf([1, 1, ...Array.from({ length: 10 }, () => null), 1, 1, 1])
  const past = { ...others, windows: [...others.windows, ...lonely.windows] }
  const { alerts } = (await tried(folderOf({ 'a.yaml': rule }), past)).tried.judgement
  expect(alerts.map(({ device, cause }) => [device, cause])).toEqual([
    ['d', 'device-silent'],
    ['d', 'device-silent'],
  ])
  expect(alerts[0]!.start).toBe(t0 + minuteMs + 59_000)
  expect(alerts[0]!.end).toBeGreaterThan(alerts[0]!.raised)
  expect(alerts[1]!.end).toBe(null)
})

it('a comparison tells what other rules make of the same past', async () => {
  const past = pastOf([1, 9, 9, 1, 12, 12, 1])
  const { tried: before, other } = await tried(folderOf({ 'a.yaml': warm(8) }), past, folderOf({ 'a.yaml': warm(10) }))
  expect(diffAlerts(before.judgement.alerts, other!.judgement.alerts).counts).toMatchObject({ gone: 1, same: 1 })
})

it('rules that cannot be judged on a past are left out by name', async () => {
  const result = await tryRules({
    ...{ folder: folderOf({ 'a.yaml': warm(8) }), load: () => Promise.resolve(pastOf([9])), ...common },
    cannotJudge: () => 'it is not Tuesday',
  })
  expect(result.tried).toMatchObject({ rules: [], notJudged: ['warm is not judged: it is not Tuesday'] })
})

it('every problem of every file is told at once, with file, path and line', async () => {
  const folder = folderOf({
    'a.yaml':
      'rules:\n  - id: x\n    at: edge\n    kind: threshold\n    abvoe: 8\n  - id: y\n    at: moon\n    kind: rate\n',
    'b.yaml': 'rules: [\n',
  })
  const result = await checkFolder({ folder, windowMs: minuteMs, progress: () => undefined })
  const text = checkLines(result).join('\n')
  expect(text).toMatch(/a\.yaml: rules\[0\]\.abvoe \(line 5\): .*above/)
  expect(text).toMatch(/a\.yaml: rules\[1\]\.at \(line 7\): found "moon"; expected edge, cloud, grafana/)
  expect(text).toContain('b.yaml')
  expect(checkExitCode(result)).toBe(2)
  await expect(tried(folder, pastOf([]))).rejects.toMatchObject({ exitCode: 2 })
})

it('whatever lies in a folder of rules is a problem with its name, never a fall', async () => {
  const folder = folderOf({
    'a.yaml':
      'rules:\n  - null\n  - 7\n  - { id: t, at: cloud, kind: threshold, on: reading, field: mean, above: 5 }\n',
    'b.yaml': 'rules:\n  - &b { id: x, at: edge, kind: threshold, above: 1, labels: *b }\n',
    'c.yaml': 'rules: { id: x }\n',
    'd.yaml': '7\n',
    'f.yaml': warm(200),
  })
  mkdirSync(join(folder, 'e.yaml'))
  const result = await checkFolder({ folder, windowMs: minuteMs, progress: () => undefined })
  const files = result.problems.map(({ path }) => path.slice(0, 6))
  expect([...new Set(files)].sort()).toEqual(['a.yaml', 'b.yaml', 'c.yaml', 'd.yaml', 'e.yaml'])
  expect(result.neverFire.map(({ path }) => path)).toEqual([
    expect.stringMatching(/^a\.yaml: rules\[2\]\.field/),
    expect.stringMatching(/^f\.yaml: rules\[0\]\.above/),
  ])
})

it('rules that can never fire are named with file and line, and fail the check', async () => {
  const text =
    'rules:\n  - id: hot\n    at: edge\n    kind: threshold\n    select: { metric: temperature }\n    above: 900\n'
  const odd = '  - id: odd\n    at: edge\n    kind: threshold\n    above: 8\n    message: "{devise}"\n'
  const folder = folderOf({ 'a.yaml': text + odd })
  const result = await checkFolder({ folder, windowMs: minuteMs, progress: () => undefined })
  const lines = checkLines(result).join('\n')
  expect(lines).toMatch(/Can never fire.*\n +a\.yaml: rules\[0\]\.above \(line 6\): found above 900/)
  expect(lines).toMatch(/not meant:\n +a\.yaml: rules\[1\]\.message \(line 11\): found \{devise\}/)
  expect(checkExitCode(result)).toBe(1)
})

it.each([
  ['a folder that is not there', () => join(base, 'none')],
  ['a folder without a rule', () => folderOf({ 'labels.yaml': 'labels: []\n' })],
])('%s is wrong usage', async (_claim, folder) => {
  await expect(tried(folder(), pastOf([]))).rejects.toMatchObject({ exitCode: 2 })
})

it('evidence that does not hold is a failed check', async () => {
  const lines = Array.from({ length: 5 * 24 * 6 }, (_none, n) => ({ ts: t0 + n * 10 * minuteMs, value: 20 + (n % 3) }))
  const texts = lines.map(({ ts, value }) =>
    JSON.stringify({ site: 's', device: 'd', ts, readings: { temperature: value }, acked: true, copies: 1 }),
  )
  const from = new Date(t0 + 4 * 86_400_000).toISOString()
  const to = new Date(t0 + 5 * 86_400_000).toISOString()
  const rule = `rules:
  - id: odd
    at: cloud
    kind: deviation
    select: { metric: temperature }
    score: 6
    days: 3
    evidence: { recording: r.ndjson, catches: [{ from: ${from}, to: ${to} }], misses: [{ from: ${from}, to: ${to} }] }
`
  const folder = folderOf({ 'a.yaml': rule, 'r.ndjson': `${texts.join('\n')}\n` })
  const result = await checkFolder({ folder, windowMs: minuteMs, progress: () => undefined })
  expect(result.evidence[0]!.spans.map(({ kind, ok }) => [kind, ok])).toEqual([
    ['catches', false],
    ['misses', true],
  ])
  expect(checkExitCode(result)).toBe(1)
})

it('a rule of any kind may carry the recording that it is tried on, also one about readings', async () => {
  const at = (minute: number) => new Date(t0 + minute * minuteMs).toISOString()
  const texts = [20, 20, 35, 20, 20].map((value, minute) => {
    const ts = t0 + minute * minuteMs + 1_000
    return JSON.stringify({ site: 's', device: 'd', ts, readings: { temperature: value }, acked: true, copies: 1 })
  })
  const catches = `catches: [{ device: d, from: ${at(2)}, to: ${at(3)} }]`
  const evidence = `evidence: { recording: r.ndjson, ${catches}, misses: [{ from: ${at(0)}, to: ${at(2)} }] }`
  const rules = (more: string) =>
    warm(30, `, ${evidence}`) + warm(30, `, ${more}`).replace('rules:\n', '').replace('warm', 'now')
  const folder = folderOf({ 'a.yaml': rules(`on: reading, ${evidence}`), 'r.ndjson': `${texts.join('\n')}\n` })
  const result = await checkFolder({ folder, windowMs: minuteMs, progress: () => undefined })
  expect(result.problems).toEqual([])
  expect(result.evidence.map(({ rule, ok, spans }) => [rule, ok, spans.length])).toEqual([
    ['warm', true, 2],
    ['now', true, 2],
  ])
})
