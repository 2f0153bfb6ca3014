import type { Ink } from './ink.ts'
import type { Scorecard } from './scorecard.ts'
import { victims } from './target.ts'
import { count, eventSpan, list, span, wrap } from './words.ts'

type Row = [label: string, figure: string, note: string, well?: boolean]

const unknown = '–'
const shown = (value: number | null) => (value === null ? unknown : count(value))
const time = (ms: number | null) => (ms === null ? unknown : span(ms))
const note = (value: number | null, text: (value: number) => string) => (value === null ? 'not measured' : text(value))

function promiseRows(card: Scorecard): Row[] {
  const { acknowledgedLoss, duplicateEffects, unaccounted, acknowledged, duplicates } = card
  return [
    [
      'acknowledged loss',
      shown(acknowledgedLoss),
      note(acknowledged, (n) => `of ${count(n)} acknowledged readings`),
      acknowledgedLoss === 0,
    ],
    [
      'duplicate effects',
      shown(duplicateEffects),
      note(duplicates, (n) => `though ${count(n)} readings came more than once`),
      duplicateEffects === 0,
    ],
    [
      'unaccounted',
      shown(unaccounted),
      note(unaccounted, () => 'in the accounts of agent and ingest'),
      unaccounted === 0,
    ],
  ]
}

function brokenRows(card: Scorecard): Row[] {
  const { kills, killsOf, recoveryP50Ms, recoveryP99Ms, drainPerSecond, freshnessP99Ms } = card
  const who = list(victims.map((victim) => `${victim} ${killsOf[victim]}`))
  const slowest = `for half of them, ${time(recoveryP99Ms)} for 99 %: from kill -9 to a new reading on the page`
  const outage = note(card.longestOutageEventMs, (ms) => `${eventSpan(ms)} of event time, drained`)
  const drained = `readings from the disk of the agent, ${count(card.outageDrainedReadings)} in all`
  return [
    ['kills', count(kills), who],
    ['recovery', time(recoveryP50Ms), slowest],
    ['longest outage', time(card.longestOutageMs), outage],
    ['drained', `${shown(drainPerSecond)}/s`, drained],
    ['freshness', time(freshnessP99Ms), 'behind at most is the page, 99 % of the time that nothing was broken'],
  ]
}

function inputRows(card: Scorecard): Row[] {
  const well = (ms: number) => `until it took nothing more; well again ${span(ms)} after there was room`
  const of = (n: number) => `set aside of ${count(n)} messages; ${shown(card.hugeCutOff)} huge ones cut off`
  const tomorrow = (n: number) => `readings in their own windows; ${count(n)} from tomorrow set aside`
  return [
    ['full disk', time(card.diskRefusedAfterMs), note(card.diskRecoveredAfterMs, well)],
    ['poison', shown(card.poisonSetAside), note(card.poisonMessages, of)],
    ['wrong clocks', shown(card.skewedReadings), note(card.futureSetAside, tomorrow)],
    ['amended', shown(card.amended), 'windows that late readings changed'],
    [
      'too late',
      card.tooLate ? count(card.tooLate) : unknown,
      'in no window: the agent names each as late for one that it had given up',
    ],
  ]
}

function notChecked({ notChecked, notTried, interrupted }: Scorecard): string {
  if (interrupted) return 'everything: it was stopped'
  const reasons = Object.entries(notChecked).map(([reason, n]) => `${reason} ${count(n)}`)
  const tried = notTried.map(({ what, why }) => `${what} (${why})`)
  return [...reasons, ...tried].join(', ') || 'nothing'
}

function verdictText({ ok, interrupted, reasons }: Scorecard): string {
  if (interrupted) return 'STOPPED before its end: this is what was learned so far, and no recount was made.'
  if (!ok) return `FAILED: ${list(reasons)}.`
  return 'PASSED: every acknowledged reading is stored once, in its window, with its value, or set aside and counted.'
}

const noteAt = 37
const narrowestNote = 30

/** The scorecard for people, for a terminal of so many columns. */
export function reportLines(card: Scorecard, ink: Ink, columns = 120): string[] {
  const measured = [...brokenRows(card), ...inputRows(card)].filter(([, figure]) => !figure.startsWith(unknown))
  const rows = [...promiseRows(card), ...measured]
  const line = ([label, figure, text, well]: Row) => {
    const value = figure.padStart(12)
    const inked = well === undefined ? ink.bold(value) : well ? ink.good(value) : ink.bad(value)
    const [first = '', ...rest] = wrap(text, Math.max(narrowestNote, columns - noteAt - 2))
    return [
      `    ${label.padEnd(18)}${inked}   ${ink.dim(first)}`,
      ...rest.map((more) => ' '.repeat(noteAt) + ink.dim(more)),
    ]
  }
  const verdict = card.interrupted ? ink.bold : card.ok ? ink.good : ink.bad
  const again = `seed ${card.seed}, ${span(card.tookMs)}`
  return [
    '',
    `  ${ink.bold('SCORECARD')}   ${ink.dim(again)}`,
    '',
    ...rows.flatMap(line),
    ...line(['not checked', '', notChecked(card)]),
    '',
    ...wrap(verdictText(card), Math.min(100, columns - 4)).map((text) => `  ${verdict(text)}`),
    '',
  ]
}
