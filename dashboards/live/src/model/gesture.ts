import { fixed, type Range, type Span } from './range.ts'

/** Where fingers are, as fractions of the plot's width; the second one is there in a pinch. */
export type Fingers = readonly [first: number, second?: number]

const nearestFingers = 0.02

function widthAfter(width: number, before: Fingers, after: Fingers): number {
  const [spread, next] = [before, after].map(([a, b]) => (b === undefined ? Number.NaN : Math.abs(b - a)))
  if (spread === undefined || next === undefined || Number.isNaN(spread) || Number.isNaN(next)) return width
  return (width * Math.max(spread, nearestFingers)) / Math.max(next, nearestFingers)
}

const middle = ([a, b = a]: Fingers) => (a + b) / 2

/** The range that keeps every moment under its finger; one that reaches the present follows it. */
export function dragged(span: Span, { before, after }: { before: Fingers; after: Fingers }, now: number): Range {
  const width = span.to - span.from
  const held = span.from + middle(before) * width
  const wanted = widthAfter(width, before, after)
  const { from, to } = fixed(0, wanted) as Extract<Range, { kind: 'fixed' }>
  const next = to - from
  const start = held - middle(after) * next
  if (start + next >= now) return { kind: 'follow', spanMs: next }
  return fixed(start, start + next)
}
