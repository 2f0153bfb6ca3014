import type { Alert } from '@millrace/contracts'
import type { RuleWindow } from '@millrace/rules'
import { subjectOf } from './episodes.ts'
import { lengthText, timeText } from './text.ts'

export interface Span {
  fromMs: number
  toMs: number
}

const fired = '█'
const partly = '▒'
const quiet = '·'
const noData = ' '
const leastCells = 24
/** Of a cell that counts as whole. */
const nearlyAll = 0.95

interface Cells {
  count: number
  of(ms: number): number
}

function cellsOf({ fromMs, toMs }: Span, count: number): Cells {
  const length = Math.max(1, toMs - fromMs)
  return { count, of: (ms) => Math.min(count - 1, Math.max(0, Math.floor(((ms - fromMs) / length) * count))) }
}

function paint(cells: Cells, marks: string[], { fromMs, toMs, mark }: Span & { mark: string }): void {
  const last = cells.of(Math.max(fromMs, toMs - 1))
  for (let at = cells.of(fromMs); at <= last; at++) marks[at] = mark
}

/** How much of each cell lies in one of these spans, 0 to 1. */
function sharesOf(cells: Cells, { fromMs, toMs }: Span, spans: readonly Span[]): number[] {
  const cellMs = Math.max(1, toMs - fromMs) / cells.count
  return Array.from({ length: cells.count }, (_none, at) => {
    const [start, end] = [fromMs + at * cellMs, fromMs + (at + 1) * cellMs]
    const inside = spans.map((span) => Math.max(0, Math.min(end, span.toMs) - Math.max(start, span.fromMs)))
    return inside.reduce((sum, ms) => sum + ms, 0) / cellMs
  })
}

/** Where the windows are that an alert could have been about: of its device, of its site where it names none. */
function covered(windows: readonly RuleWindow[], cells: Cells): Map<string, string[]> {
  const lines = new Map<string, string[]>()
  const lineOf = (name: string) => {
    const line = lines.get(name) ?? Array.from({ length: cells.count }, () => noData)
    lines.set(name, line)
    return line
  }
  for (const { site, device, start, lengthMs } of windows) {
    const span = { fromMs: start, toMs: start + lengthMs, mark: quiet }
    paint(cells, lineOf(`${site}/${device}`), span)
    paint(cells, lineOf(`${site}/-`), span)
  }
  return lines
}

function axisLine({ fromMs, toMs }: Span, count: number): string {
  const [from, to] = [timeText(fromMs), `${timeText(toMs)} UTC`]
  return `${from}${' '.repeat(Math.max(1, count - from.length - to.length))}${to}`
}

interface Canvas {
  cells: Cells
  span: Span
  /** Marks of what there was to judge, by device and by site. */
  known: ReadonlyMap<string, readonly string[]>
}

/** Of alerts of one rule and subject. */
function marksOf(alerts: readonly Alert[], { cells, span, known }: Canvas): string[] {
  const { site, device } = alerts[0]!
  const firing = alerts.map(({ start, end }) => ({ fromMs: start, toMs: end ?? span.toMs }))
  const shares = sharesOf(cells, span, firing)
  const judged = known.get(`${site}/${device ?? '-'}`)
  return shares.map((share, at) => {
    if (share > 0) return share > nearlyAll ? fired : partly
    return judged?.[at] ?? noData
  })
}

export interface TimelineInput {
  alerts: readonly Alert[]
  windows: readonly RuleWindow[]
  span: Span
  /** Of the whole line, in characters. */
  width: number
}

/** One line per rule and subject that fired: when it was firing, when it was not, and when there was nothing to judge. */
export function timelineLines({ alerts, windows, span, width }: TimelineInput): string[] {
  const ruleWidth = Math.max(0, ...alerts.map(({ rule }) => rule.length))
  const groups = Map.groupBy(alerts, (alert) => `${alert.rule.padEnd(ruleWidth)}  ${subjectOf(alert)}`)
  if (groups.size === 0) return []
  const labelWidth = Math.max(...[...groups.keys()].map(({ length }) => length))
  const count = Math.max(leastCells, width - labelWidth - 4)
  const cells = cellsOf(span, count)
  const known = covered(windows, cells)
  const lines = [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, own]) => `${label.padEnd(labelWidth)}  ${marksOf(own, { cells, span, known }).join('')}`)
  const cell = lengthText((span.toMs - span.fromMs) / count)
  return [
    `${' '.repeat(labelWidth)}  ${axisLine(span, count)}`,
    ...lines,
    `${' '.repeat(labelWidth)}  ${fired} firing  ${partly} firing for a part of it  ${quiet} quiet  blank: no data; one mark is ${cell}`,
  ]
}
