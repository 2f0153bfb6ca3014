import type { AccountsResponse } from '@millrace/contracts'
import { describe, expect, test } from 'vitest'
import type { VerifyReport } from '../verify/report.ts'
import type { Evidence } from './evidence.ts'
import type { Findings } from './findings.ts'
import { plainInk } from './ink.ts'
import { nothing } from './known-device.ts'
import { actNames } from './plan.ts'
import { reportLines } from './report.ts'
import { quantile, scorecard } from './scorecard.ts'

const findings: Findings = {
  kills: [
    { victim: 'agent', recoveryMs: 900 },
    { victim: 'broker', recoveryMs: 2_100 },
    { victim: 'ingest', recoveryMs: null },
  ],
  plannedKills: 3,
  outages: [{ realMs: 4_000, eventMs: 240_000, waiting: 12, drainMs: 500, readings: 6_000 }],
  disk: { refusedAfterMs: 40, recoveredAfterMs: 700, kind: 'a disk' },
  clocks: { ahead: 10, behind: 10, future: 5 },
  poison: { messages: 1_000, setAside: 1_000, hugeRefused: 5, hugeSent: 5, perSecond: 400 },
  cutShort: [],
  notTried: [],
}
const fleet: VerifyReport = {
  ...{ sent: 5_000, stored: 4_990, missing: 0, doubled: 0, wrongWindow: 0, wrongValue: 0, setAside: 10 },
  ...{ expectedSetAside: 10, notChecked: 2, series: 20, windows: 300, hours: 0, days: 0, wrongHours: 0, wrongDays: 0 },
  ...{ amended: 30, notCheckedBy: { 'series outside the ledger': 3 }, differences: [], setAsideDifferences: [] },
  ...{ tooLate: 0, tooLateNotNamed: 0, reproducible: true },
}
const total = { duplicate: 40, invalid: 1_015, dropped: 0, tooLate: 0, unaccounted: 0, mismatch: 0, missingUpstream: 0 }
const accounts = { devices: [{ unaccounted: 0 }], total } as unknown as AccountsResponse
const sound: Evidence = {
  ...{ findings, ages: [100, 300, 200], fleet, own: { ...nothing, acknowledged: 60 }, accounts, ownSeries: 3 },
  ...{ seed: 7, acts: actNames, tookMs: 61_000, interrupted: false, perturbed: true },
}
const reasons = (evidence: Partial<Evidence>) => scorecard({ ...sound, ...evidence }).reasons.join('; ')
const found = (more: Partial<Findings>): Partial<Evidence> => ({ findings: { ...findings, ...more } })

test('a sound drill passes, with every figure', () => {
  expect(scorecard(sound)).toMatchObject({
    ...{ acknowledgedLoss: 0, duplicateEffects: 0, unaccounted: 0, kills: 3, ok: true, reasons: [] },
    ...{ recoveryP50Ms: 900, recoveryP99Ms: 2_100, drainPerSecond: 12_000, freshnessP99Ms: 300 },
    ...{ acknowledged: 5_060, longestOutageEventMs: 240_000, poisonSetAside: 1_000, skewedReadings: 20 },
    notChecked: {},
  })
})

describe('a drill fails', () => {
  test.each<[string, Partial<Evidence>, string]>([
    ['on a lost reading of the fleet', { fleet: { ...fleet, missing: 1 } }, '1 acknowledged readings are lost'],
    [
      'on one that had to be set aside and vanished',
      { fleet: { ...fleet, setAsideDifferences: [{ device: 'd', reason: 'bad-json', expected: 3, found: 1 }] } },
      '2 acknowledged readings are lost',
    ],
    ['on a lost reading of its own', { own: { ...nothing, acknowledged: 9, missing: 4 } }, '4 acknowledged'],
    ['on poison that vanished', found({ poison: { ...findings.poison!, setAside: 998 } }), '2 acknowledged'],
    ['on a doubled reading', { fleet: { ...fleet, doubled: 2 } }, '2 readings or windows count twice or wrongly'],
    ['on a wrong window', { fleet: { ...fleet, wrongWindow: 1 } }, '1 readings or windows count twice'],
    ['on a wrong value of its own', { own: { ...nothing, acknowledged: 9, wrongValue: 1 } }, '1 readings or windows'],
    [
      'on accounts that do not balance, whatever their signs',
      { accounts: { devices: [{ unaccounted: 2 }, { unaccounted: -2 }], total } as unknown as AccountsResponse },
      '4 readings are unaccounted for',
    ],
    ['on a ledger that cannot be told again', { fleet: { ...fleet, reproducible: false } }, 'cannot be told again'],
    ['on an act that was cut short', found({ cutShort: [{ act: 'disk', why: 'no way' }] }), 'disk: no way'],
  ])('%s', (_claim, evidence, reason) => expect(reasons(evidence)).toContain(reason))
})

describe('a drill that was too gentle fails', () => {
  test.each<[string, Partial<Evidence>, string]>([
    ['fewer kills than promised', found({ plannedKills: 4 }), 'only 3 of 4 kills'],
    ['no recovery', found({ kills: findings.kills.map((kill) => ({ ...kill, recoveryMs: null })) }), 'no recovery'],
    ['hardly any poison', found({ poison: { ...findings.poison!, messages: 9, setAside: 9 } }), 'no flood of poison'],
    ['huge messages taken', found({ poison: { ...findings.poison!, hugeRefused: 4 } }), 'huge messages'],
    ['an outage that nothing waited for', found({ outages: [{ ...findings.outages[0]!, waiting: 0 }] }), 'waited'],
    ['no wrong clock', found({ clocks: { ahead: 0, behind: 0, future: 0 } }), 'no wrong clock'],
    ['a full disk that nobody noticed', found({ disk: { ...findings.disk!, refusedAfterMs: null } }), 'not noticed'],
    ['nothing doubled', { accounts: { devices: [], total: { ...total, duplicate: 0 } } as never }, 'came twice'],
    ['nothing late', { fleet: { ...fleet, amended: 0 } }, 'came late'],
    ['no fleet', { fleet: { ...fleet, sent: 0, windows: 0 } }, 'the fleet sent nothing'],
  ])('%s', (_claim, evidence, reason) => expect(reasons(evidence)).toMatch(new RegExp(`too gentle: .*${reason}`)))

  test('but an act that was not asked for is not missed, nor lateness of devices that are somebody else', () => {
    const { poison: _p, clocks: _c, disk: _d, ...less } = findings
    const quiet = { ...fleet, amended: 0 }
    const evidence = { acts: ['kills'], findings: { ...less, outages: [] }, fleet: quiet, perturbed: false }
    expect(reasons(evidence)).toBe('')
  })
})

test('what came too late is told by name; what the agent only counts was not checked, whoever sent it', () => {
  const late = { ...fleet, tooLate: 5, tooLateNotNamed: 2, notCheckedBy: { 'too late, not named': 1 } }
  const own = { ...nothing, acknowledged: 9, tooLate: 3, tooLateNotNamed: 1 }
  const card = scorecard({ ...sound, fleet: late, own })
  expect(card).toMatchObject({ acknowledgedLoss: 0, tooLate: 8, notChecked: { 'too late, not named': 3 }, ok: true })
  expect(reportLines(card, plainInk).join('\n')).toMatch(/too late +8 [\s\S]*not checked +too late, not named 3/)
})

test('one that was stopped says so and judges nothing', () => {
  const { fleet: _f, own: _o, accounts: _a, ...stopped } = sound
  const card = scorecard({ ...stopped, interrupted: true })
  expect(card).toMatchObject({ ok: false, interrupted: true, acknowledgedLoss: null, kills: 3 })
  expect(reportLines(card, plainInk).join('\n')).toMatch(/not checked +everything[\s\S]*STOPPED/)
})

test('on a narrow terminal no line of the scorecard is wider than it', () => {
  for (const interrupted of [false, true]) {
    const lines = reportLines({ ...scorecard(sound), interrupted }, plainInk, 80)
    expect(lines.filter((line) => line.length > 80)).toEqual([])
  }
})

test('people read the same figures, and what failed', () => {
  const passed = reportLines(scorecard(sound), plainInk).join('\n')
  expect(passed).toMatch(/acknowledged loss +0 +of 5,060 acknowledged readings/)
  expect(passed).toContain('PASSED')
  const failed = reportLines(scorecard({ ...sound, fleet: { ...fleet, missing: 7 } }), plainInk).join('\n')
  expect(failed).toContain('FAILED: 7 acknowledged readings are lost.')
})

test('quantiles are by nearest rank', () => {
  expect(quantile([], 0.5)).toBeNull()
  expect(quantile([5, 1, 3], 0.5)).toBe(3)
  expect(
    quantile(
      Array.from({ length: 100 }, (_none, n) => n + 1),
      0.99,
    ),
  ).toBe(99)
})
