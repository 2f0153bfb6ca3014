import type { AlertCause, ApiAlert, Severity } from '@millrace/contracts'
import { formatDelay, formatLocal, formatSpan, formatValue } from '../model/format.ts'

export const severityNames: Readonly<Record<Severity, string>> = {
  critical: 'Critical',
  warning: 'Warning',
  info: 'Info',
}

/** One sentence on what kind of trouble it is, and what it is not. */
export const causes: Readonly<Record<AlertCause, { name: string; meaning: string }>> = {
  value: { name: 'Bad value', meaning: 'What was measured is outside the bounds of the rule. Data did arrive.' },
  'device-silent': {
    name: 'Device silent',
    meaning: 'The device says nothing though its agent is there. What it would measure now is not known.',
  },
  'agent-offline': {
    name: 'Agent offline',
    meaning:
      'The agent is not heard, so nothing is known of its devices. They may be well, and their readings may come.',
  },
  incomplete: {
    name: 'Data incomplete',
    meaning: 'Some messages of the device did not arrive; the values that did are not judged by this.',
  },
}

/** "harbour / cold-store / temperature"; what the alert is about. */
export function subjectOf({ site, device, metric, agent, cause }: ApiAlert): string {
  const last = cause === 'agent-offline' && agent !== null ? `agent ${agent}` : device
  return [site, last, metric].filter((part) => part !== null).join(' / ')
}

/** "2026-11-20 14:03", of today "14:03". */
export function formatMoment(ms: number, now: number): string {
  const text = formatLocal(ms)
  return text.slice(text.slice(0, 10) === formatLocal(now).slice(0, 10) ? 11 : 0, -3)
}

/** "since 14:03, 12 min", "14:03 to 14:09, 6 min". */
export function describeWhen(alert: ApiAlert, now: number): string {
  const { start, end, state } = alert
  if (state === 'active') return `since ${formatMoment(start, now)}, ${formatSpan(Math.max(0, now - start))}`
  if (end === null) return `from ${formatMoment(start, now)}`
  const until = formatMoment(end, now)
  const sameDay = formatLocal(start).slice(0, 10) === formatLocal(end).slice(0, 10)
  return `${formatMoment(start, now)} to ${sameDay ? until.slice(-5) : until}, ${formatSpan(end - start)}`
}

/** Learning takes a window and its delivery; more than this is worth a word. */
const usualDelayMs = 3 * 60_000

/** How long after it happened the newest change was learned, ms. */
export function learnedAfterMs({ state, end, raised, learned }: ApiAlert): number {
  return Math.max(0, learned - (state === 'cleared' && end !== null ? end : raised))
}

/** Undefined where it was learned about as soon as it could be. */
export function describeLate(alert: ApiAlert): string | undefined {
  const afterMs = learnedAfterMs(alert)
  if (alert.state === 'withdrawn' || afterMs <= usualDelayMs) return undefined
  return `learned ${formatDelay(afterMs)} later`
}

/** What became of it, in a sentence. */
export function describeChange(alert: ApiAlert, now: number): string {
  const { state, movedFrom, learned } = alert
  const told = formatMoment(learned, now)
  if (state === 'withdrawn') return `Withdrawn at ${told}: late data or a change of the rules showed that it never was.`
  const from = movedFrom?.split('/').at(-1)
  const moved = from ? ` Late data moved its start; it was ${formatMoment(Number(from), now)} before.` : ''
  const after = formatDelay(learnedAfterMs(alert))
  if (state === 'cleared') return `Over. Its end was learned at ${told}, ${after} after it happened.${moved}`
  return `Active. Learned at ${told}, ${after} after the rule was fulfilled.${moved}`
}

/** "9.4 °C, bound 8 °C"; empty where there is no value. */
export function describeValue({ metric, value, threshold, unit }: ApiAlert): string {
  if (value === null) return ''
  const of = (number: number) => [formatValue(metric ?? '', number), unit].filter(Boolean).join(' ')
  return threshold === null ? of(value) : `${of(value)}, bound ${of(threshold)}`
}

/** The address of its detail; the parts of an id are names. */
export function alertHref(id: string): string {
  return `#/alerts/${id.split('/').map(encodeURIComponent).join('/')}`
}
