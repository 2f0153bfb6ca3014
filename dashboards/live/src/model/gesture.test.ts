import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nearest } from '../keys/arrow-focus.ts'
import { nextMoment } from './cursor.ts'
import { dragged } from './gesture.ts'
import { spanOf } from './range.ts'
import { hourMs, minuteMs } from './step.ts'

const now = 1_790_000_000_000
const span = { from: now - 6 * hourMs, to: now - 2 * hourMs }
const fraction = fc.double({ min: 0, max: 1, noNaN: true })

test('what lies under one finger stays under it, and a drag to the present follows it', () => {
  fc.assert(
    fc.property(fraction, fraction, (a, b) => {
      const range = dragged(span, { before: [a], after: [b] }, now)
      const next = spanOf(range, now)
      expect(next.to - next.from).toBe(4 * hourMs)
      expect(next.to).toBeLessThanOrEqual(now)
      const under = ({ from, to }: typeof span, at: number) => from + at * (to - from)
      if (range.kind === 'fixed') expect(Math.abs(under(next, b) - under(span, a))).toBeLessThan(2)
    }),
  )
  expect(dragged(span, { before: [0.9], after: [0.1] }, now)).toEqual({ kind: 'follow', spanMs: 4 * hourMs })
})

test('two fingers zoom about the moment between them, never under a minute', () => {
  const zoomed = spanOf(dragged(span, { before: [0.4, 0.6], after: [0.3, 0.7] }, now), now)
  expect(zoomed).toEqual({ from: span.from + hourMs, to: span.to - hourMs })
  const wider = spanOf(dragged(span, { before: [0.2, 0.8], after: [0.35, 0.65] }, now), now)
  expect(wider.to - wider.from).toBe(8 * hourMs)
  const tiny = { from: now - hourMs - minuteMs, to: now - hourMs }
  expect(dragged(tiny, { before: [0.5, 0.5], after: [0, 1] }, now)).toEqual({ kind: 'fixed', ...tiny })
  for (const fingers of [[0.5, 0.5] as const, [0.5] as const]) {
    const next = spanOf(dragged(span, { before: fingers, after: [0.5, 0.5] }, now), now)
    expect(Number.isFinite(next.from) && next.to > next.from).toBe(true)
  }
})

test('arrows on a chart go from row to row, over gaps in steps, and stay in view', () => {
  const row = (start: number) => ({ start, lengthMs: minuteMs, provisional: false, lastTs: start }) as never
  const rows = [0, 1, 2, 30].map((minute) => row(span.from + minute * minuteMs))
  const near = { from: span.from, to: span.from + 40 * minuteMs }
  const right = (ms: number) => nextMoment(rows, ms, { span: near, side: 1 })
  const left = (ms: number) => nextMoment(rows, ms, { span: near, side: -1 })
  const middle = (minute: number) => span.from + (minute + 0.5) * minuteMs
  expect(right(middle(0))).toBe(middle(1))
  expect(left(middle(2))).toBe(middle(1))
  expect(right(middle(2))).toBe(middle(2) + 0.4 * minuteMs)
  expect(right(middle(29))).toBe(middle(30))
  expect(left(near.from)).toBe(near.from)
  expect(right(near.to)).toBe(near.to)
})

test('arrows go to the neighbour on the screen, sideways only within a row', () => {
  const grid = [0, 1, 2, 3, 4].map((index) => ({ x: (index % 3) * 300, y: Math.floor(index / 3) * 200 }))
  const from = { x: 300, y: 0 }
  const others = grid.filter(({ x, y }) => x !== from.x || y !== from.y)
  const go = (arrow: Parameters<typeof nearest>[2]) => others[nearest(others, from, arrow) ?? -1]
  expect(go('ArrowLeft')).toEqual({ x: 0, y: 0 })
  expect(go('ArrowRight')).toEqual({ x: 600, y: 0 })
  expect(go('ArrowDown')).toEqual({ x: 300, y: 200 })
  expect(go('ArrowUp')).toBeUndefined()
  expect(nearest([{ x: 0, y: 200 }], { x: 600, y: 0 }, 'ArrowLeft')).toBeUndefined()
})
