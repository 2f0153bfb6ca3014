import type { CrashRun } from '../crash-images/crash-run.ts'
import type { Scorecard } from '../oracle/scorecard.ts'

/** What the short form must have done to be worth its figures. */
export const leastKills = 200
export const leastImages = 2_000

/** The seven figures of the promise, as `--json` prints them, with what they rest on. */
export interface ShortForm {
  ok: boolean
  acknowledgedLoss: number
  /** Readings counted twice or never sent, and those of a wrong value or window. */
  duplicateEffects: number
  crashImages: number
  crashImageViolations: number
  kills: number
  /** Of the slowest stack. */
  recoveryP50Ms: number | null
  recoveryP99Ms: number | null
  /** Event time; null where no outage could be run. */
  longestOutageMs: number | null
  unaccounted: number
  /** Messages that were acknowledged to the oracle's devices. */
  acknowledged: number
  tookMs: number
  /** Where it is not ok. */
  problems: string[]
}

export interface ShortFormEvidence {
  /** By the name of what was run. */
  scores: Readonly<Record<string, Scorecard>>
  images: readonly Pick<CrashRun, 'images' | 'violations'>[]
  /** Why the images show little; empty where they do not. */
  gentleImages: readonly string[]
  tookMs: number
}

const most = (values: readonly (number | null)[]) => {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : Math.max(...known)
}

function problemsOf({ scores, images, gentleImages }: ShortFormEvidence, kills: number, crashImages: number): string[] {
  const violations = images.flatMap((run) => run.violations)
  return [
    ...Object.entries(scores).flatMap(([name, { problems }]) => problems.map((problem) => `${name}: ${problem}`)),
    ...violations.map(({ at, whim, breaches }) => `an image cut at ${at}, ${whim}: ${breaches.join('; ')}`),
    ...gentleImages.map((reason) => `too gentle: ${reason}`),
    ...(kills < leastKills ? [`too gentle: ${kills} kills of at least ${leastKills}`] : []),
    ...(crashImages < leastImages ? [`too gentle: ${crashImages} crash images of at least ${leastImages}`] : []),
  ]
}

export function shortFormOf(evidence: ShortFormEvidence): ShortForm {
  const { images, tookMs } = evidence
  const scores = Object.values(evidence.scores)
  const sum = (of: (score: Scorecard) => number) => scores.reduce((total, score) => total + of(score), 0)
  const kills = sum((score) => score.kills)
  const crashImages = images.reduce((total, run) => total + run.images, 0)
  const problems = problemsOf(evidence, kills, crashImages)
  return {
    ok: problems.length === 0,
    acknowledgedLoss: sum((score) => score.acknowledgedLoss),
    duplicateEffects: sum((score) => score.duplicateEffects + score.wrong),
    crashImages,
    crashImageViolations: images.reduce((total, run) => total + run.violations.length, 0),
    kills,
    recoveryP50Ms: most(scores.map((score) => score.recoveryP50Ms)),
    recoveryP99Ms: most(scores.map((score) => score.recoveryP99Ms)),
    longestOutageMs: most(scores.map((score) => score.longestOutageMs)),
    unaccounted: sum((score) => Math.abs(score.unaccounted)),
    acknowledged: sum((score) => score.acknowledged),
    tookMs: Math.round(tookMs),
    problems,
  }
}

const number = (value: number) => value.toLocaleString('en-GB')
const seconds = (value: number | null) => (value === null ? 'not measured' : `${(value / 1000).toFixed(1)} s`)
const hours = (value: number | null) => (value === null ? 'not run' : `${(value / 3_600_000).toFixed(1)} h`)

/** Their names, in the order in which they are shown everywhere. */
export const shortFormRows = [
  'acknowledged loss',
  'duplicate effects',
  'crash images',
  'kills',
  'recovery p99',
  'longest outage drained',
  'unaccounted',
] as const

function valuesOf(form: ShortForm): Record<(typeof shortFormRows)[number], [value: string, note: string]> {
  const { acknowledged, crashImageViolations } = form
  return {
    'acknowledged loss': [number(form.acknowledgedLoss), `of ${number(acknowledged)} acknowledged messages`],
    'duplicate effects': [
      number(form.duplicateEffects),
      'readings stored twice, in a wrong window or of a wrong value',
    ],
    'crash images': [number(form.crashImages), `of agent and ingest, violations ${crashImageViolations}`],
    kills: [
      number(form.kills),
      'kill -9 of agent, ingest and broker; each was started again, and nothing else was done',
    ],
    'recovery p99': [seconds(form.recoveryP99Ms), `p50 ${seconds(form.recoveryP50Ms)}, until it takes something again`],
    'longest outage drained': [hours(form.longestOutageMs), 'of event time, without uplink'],
    unaccounted: [number(form.unaccounted), 'in the accounts of agent and ingest'],
  }
}

/** The same for people. */
export function shortFormText(form: ShortForm): string {
  const values = valuesOf(form)
  const width = Math.max(...Object.values(values).map(([value]) => value.length))
  const lines = shortFormRows.map((name) => {
    const [value, note] = values[name]
    return `  ${name.padEnd(24)}${value.padStart(width)}   ${note}`
  })
  const minutes = `${Math.floor(form.tookMs / 60_000)} min ${Math.round((form.tookMs % 60_000) / 1000)} s`
  const problems = form.problems.slice(0, 20).map((problem) => `  ${problem}\n`)
  const verdict = form.ok
    ? `every reading is accounted for; it took ${minutes}\n`
    : `FAILED after ${minutes}:\n${problems.join('')}`
  return `${lines.join('\n')}\n\n${verdict}`
}
