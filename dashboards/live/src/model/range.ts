import { dayMs, minuteMs, presets } from './step.ts'

/** What the time axis shows: the newest `spanMs`, moving with the clock, or a fixed stretch. Times are epoch ms. */
export type Range = { kind: 'follow'; spanMs: number } | { kind: 'fixed'; from: number; to: number }

export interface Span {
  from: number
  to: number
}

const minSpanMs = minuteMs
const maxSpanMs = 400 * dayMs

export function spanOf(range: Range, now: number): Span {
  return range.kind === 'follow' ? { from: now - range.spanMs, to: now } : { from: range.from, to: range.to }
}

/** A fixed range between two moments in either order, widened to a minute and cut to 400 days. */
export function fixed(a: number, b: number): Range {
  const middle = (a + b) / 2
  const half = Math.min(Math.max(Math.abs(b - a), minSpanMs), maxSpanMs) / 2
  return { kind: 'fixed', from: Math.round(middle - half), to: Math.round(middle + half) }
}

/** Moves the range by a fraction of its width; one that reaches the present follows it. */
export function pan(range: Range, fraction: number, now: number): Range {
  const { from, to } = spanOf(range, now)
  const shift = (to - from) * fraction
  if (to + shift >= now && shift >= 0) return { kind: 'follow', spanMs: to - from }
  return fixed(from + shift, to + shift)
}

/** Scales the range about its middle; a following one keeps its end at the present. */
export function scale(range: Range, factor: number, now: number): Range {
  const { from, to } = spanOf(range, now)
  const width = Math.min(Math.max((to - from) * factor, minSpanMs), maxSpanMs)
  if (range.kind === 'follow') return { kind: 'follow', spanMs: width }
  const middle = (from + to) / 2
  return fixed(middle - width / 2, middle + width / 2)
}

/** A stretch of the same width that ends with the newest data. */
export function jumpTo(range: Range, lastTs: number, now: number): Range {
  const { from, to } = spanOf(range, now)
  const width = to - from
  if (lastTs > now - width * 0.9) return { kind: 'follow', spanMs: width }
  return fixed(lastTs - width * 0.9, lastTs + width * 0.1)
}

export function writeRange(range: Range): string {
  if (range.kind === 'fixed') return `${new Date(range.from).toISOString()}/${new Date(range.to).toISOString()}`
  return presets.find((preset) => preset.spanMs === range.spanMs)?.id ?? `${Math.round(range.spanMs / 1000)}s`
}

/** Reads what `writeRange` wrote; anything else is undefined. */
export function readRange(text: string): Range | undefined {
  const preset = presets.find(({ id }) => id === text)
  if (preset) return { kind: 'follow', spanMs: preset.spanMs }
  const seconds = /^(\d{1,9})s$/.exec(text)?.[1]
  if (seconds) return scale({ kind: 'follow', spanMs: Number(seconds) * 1000 }, 1, 0)
  const [from, to, ...rest] = text.split('/').map((part) => Date.parse(part))
  if (from === undefined || to === undefined || rest.length > 0 || !(to > from)) return undefined
  return fixed(from, to)
}
