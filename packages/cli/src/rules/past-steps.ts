import type { RuleCompleteness, RuleReading, RuleWindow } from '@millrace/rules'
import type { Past } from './past.ts'

/** What became known at one moment of the past. */
export interface PastStep {
  /** Event time at which its windows ended. */
  atMs: number
  windows: RuleWindow[]
  completeness: RuleCompleteness[]
  readings: RuleReading[]
}

const endOf = ({ start, lengthMs }: { start: number; lengthMs: number }) => start + lengthMs

/**
 * The past in the order of its event time, as a fleet without delays would have told it: so the verdict does not
 * depend on how a recording happens to be sorted.
 */
export function stepsOf({ windows, completeness, readings }: Past): PastStep[] {
  const ends = [...new Set([...windows, ...completeness].map(endOf))].sort((a, b) => a - b)
  const steps = ends.map((atMs): PastStep => ({ atMs, windows: [], completeness: [], readings: [] }))
  const places = new Map(ends.map((atMs, place) => [atMs, place]))
  for (const window of windows) steps[places.get(endOf(window))!]!.windows.push(window)
  for (const row of completeness) steps[places.get(endOf(row))!]!.completeness.push(row)
  addReadings(steps, readings)
  for (const step of steps) step.windows.sort(byName)
  return steps
}

function addReadings(steps: readonly PastStep[], readings: readonly RuleReading[]): void {
  let place = 0
  for (const reading of readings.toSorted((a, b) => a.ts - b.ts)) {
    while (place < steps.length - 1 && steps[place]!.atMs <= reading.ts) place++
    steps[place]?.readings.push(reading)
  }
}

function byName(a: RuleWindow, b: RuleWindow): number {
  const [left, right] = [`${a.site}/${a.device}/${a.metric}`, `${b.site}/${b.device}/${b.metric}`]
  return a.start - b.start || (left < right ? -1 : Number(left > right))
}
