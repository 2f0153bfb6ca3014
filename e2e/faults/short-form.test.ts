import { expect, it } from 'vitest'
import type { Scorecard } from '../oracle/scorecard.ts'
import { type ShortFormEvidence, shortFormOf, shortFormRows, shortFormText } from './short-form.ts'

const score = (changes: Partial<Scorecard>): Scorecard => ({
  ...{ ok: true, acknowledgedLoss: 0, duplicateEffects: 0, wrong: 0, unaccounted: 0, kills: 0, killsByVictim: {} },
  ...{ recoveryP50Ms: null, recoveryP99Ms: null, recoveryByVictim: {}, drainPerSecond: null, freshnessP99Ms: null },
  ...{ freshAfterMs: null, longestOutageMs: null, acknowledged: 100, repeats: 0, late: 0, doubled: 0, shuffled: 0 },
  ...{ others: {}, stores: {}, problems: [] },
  ...changes,
})
const sound: ShortFormEvidence = {
  scores: {
    one: score({ kills: 120, recoveryP50Ms: 700, recoveryP99Ms: 2_100 }),
    two: score({ kills: 84, recoveryP50Ms: 900, recoveryP99Ms: 1_900 }),
    away: score({ longestOutageMs: 50 * 3_600_000 }),
  },
  images: [
    { images: 1_000, violations: [] },
    { images: 1_000, violations: [] },
  ],
  gentleImages: [],
  tookMs: 432_000,
}

it('adds the stacks up, and says the worst recovery and the longest outage', () => {
  const form = shortFormOf(sound)
  expect(form).toMatchObject({ ok: true, kills: 204, crashImages: 2_000, acknowledged: 300, problems: [] })
  expect(form).toMatchObject({ recoveryP50Ms: 900, recoveryP99Ms: 2_100, longestOutageMs: 180_000_000 })
  const text = shortFormText(form)
  for (const row of shortFormRows) expect(text).toContain(`  ${row} `)
  expect(text).toMatch(/every reading is accounted for; it took 7 min 12 s/)
})

it('is not ok where anything was lost, doubled, wrong or unaccounted for on one stack, or an image breaks a promise', () => {
  const breach = { at: 7, whim: 'nothing', breaches: ['one reading is gone'] }
  const bad: [Partial<ShortFormEvidence>, object][] = [
    [{ scores: { ...sound.scores, x: score({ acknowledgedLoss: 1, problems: ['lost'] }) } }, { acknowledgedLoss: 1 }],
    [{ scores: { ...sound.scores, x: score({ wrong: 2, problems: ['wrong'] }) } }, { duplicateEffects: 2 }],
    [{ scores: { ...sound.scores, x: score({ unaccounted: -3, problems: ['odd'] }) } }, { unaccounted: 3 }],
    [{ images: [...sound.images, { images: 1, violations: [breach] }] }, { crashImageViolations: 1 }],
    [{ gentleImages: ['torn writes: 0'] }, {}],
  ]
  for (const [change, shown] of bad) {
    const form = shortFormOf({ ...sound, ...change })
    expect(form).toMatchObject({ ok: false, ...shown })
    expect(shortFormText(form)).toContain('FAILED')
  }
})

it('is not ok where it was gentler than 200 kills and 2,000 images', () => {
  const { one, away } = sound.scores
  expect(shortFormOf({ ...sound, scores: { one: one!, away: away! } }).problems).toEqual([
    'too gentle: 120 kills of at least 200',
  ])
  expect(shortFormOf({ ...sound, images: sound.images.slice(1) }).problems).toEqual([
    'too gentle: 1000 crash images of at least 2000',
  ])
})
