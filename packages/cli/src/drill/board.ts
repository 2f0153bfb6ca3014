import type { AccountsResponse } from '@millrace/contracts'
import type { Ink } from './ink.ts'
import type { PlannedAct } from './plan.ts'
import type { Victim } from './target.ts'
import { clockTime, count, span } from './words.ts'

/** What the live part of the display shows, as it is at one moment. */
export interface BoardView {
  elapsedMs: number
  durationMs: number
  acts: readonly PlannedAct[]
  current: number
  /** Those that there are. */
  running: Partial<Record<Victim, boolean>>
  uplink: boolean
  well: boolean
  kills: number
  ageMs: number
  /** Of the last seconds, oldest first. */
  ages: readonly number[]
  outbox: readonly number[]
  accounts: AccountsResponse | undefined
}

const bars = '▁▂▃▄▅▆▇█'
const barWidth = 40

/** A small picture of values from 0 to the largest of them, or to `least` where all are smaller. */
export function spark(values: readonly number[], least: number): string {
  const most = Math.max(least, ...values)
  return values.map((value) => bars[Math.min(7, Math.floor((value / most) * 8))]).join('')
}

function progress({ elapsedMs, durationMs }: BoardView, ink: Ink): string {
  const filled = Math.min(barWidth, Math.round((elapsedMs / durationMs) * barWidth))
  const bar = ink.accent('━'.repeat(filled)) + ink.dim('─'.repeat(barWidth - filled))
  return `${bar} ${clockTime(elapsedMs)} of ${clockTime(durationMs)}`
}

function light(text: string, on: boolean, ink: Ink): string {
  return on ? `${ink.good('●')} ${text}` : `${ink.bad('○')} ${ink.bad(text)}`
}

function sums(accounts: AccountsResponse | undefined, ink: Ink): string {
  if (!accounts) return ink.bad('the ingest does not answer')
  const { accepted, closed, open, duplicate, tooLate, invalid, dropped, unaccounted } = accounts.total
  const aside = tooLate + invalid + dropped
  const terms = `${count(closed)} closed + ${count(open)} open + ${count(duplicate)} duplicate + ${count(aside)} set aside`
  const verdict = `unaccounted ${count(unaccounted)}`
  return `${count(accepted)} readings = ${terms}; ${unaccounted === 0 ? ink.good(verdict) : ink.bad(verdict)}`
}

/** The lines at the bottom, redrawn again and again. */
export function boardLines(view: BoardView, ink: Ink): string[] {
  const lights = Object.entries(view.running).map(([name, on]) => light(name, on, ink))
  const page = view.well ? ink.good(span(view.ageMs)) : ink.bad(span(view.ageMs))
  const outbox = view.outbox.at(-1)
  return [
    '',
    `  ${progress(view, ink)}   act ${view.current + 1} of ${view.acts.length}   kills ${ink.bold(String(view.kills))}`,
    `  ${[...lights, light(view.uplink ? 'uplink' : 'uplink cut', view.uplink, ink)].join('   ')}`,
    `  page behind ${spark(view.ages, 5_000)} ${page}   agent's backlog ${spark(view.outbox, 50)} ${outbox === undefined ? '–' : count(outbox)}`,
    `  ${sums(view.accounts, ink)}`,
  ]
}
