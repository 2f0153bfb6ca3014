import type { ApiSummary, Mark } from '@millrace/contracts'
import { paintMarks } from '../marks/mark-paint.ts'
import type { RecentReadings } from '../model/readings.ts'
import { coveredUntil, firstEndingAfter, type Joined } from '../model/rows.ts'
import { type Episodes, paintEpisodes } from './episode-paint.ts'
import type { Palette } from './palette.ts'

/** Where things lie on the canvas, in its own pixels. */
export interface Area {
  context: CanvasRenderingContext2D
  left: number
  top: number
  width: number
  height: number
  ratio: number
  from: number
  to: number
  x(ms: number): number
  y(value: number): number
}

export interface Painting {
  joined: Joined
  recent: RecentReadings
  now: number
  palette: Palette
  alerts: Pick<Episodes, 'alerts' | 'series' | 'kindOf'>
  marks: readonly Mark[]
  /** Values that are to be in sight whatever is in view. */
  inSight: readonly number[]
}

/** What a row has filled of its window: an open one reaches to its newest reading. */
export function rowEnd(row: ApiSummary): number {
  return row.provisional ? Math.min(row.start + row.lengthMs, row.lastTs + 1) : coveredUntil(row)
}

function visibleRows({ joined }: Painting, { from, to }: { from: number; to: number }): ApiSummary[] {
  const first = firstEndingAfter(joined.rows, from)
  let end = first
  while (end < joined.rows.length && (joined.rows[end]?.start ?? to) < to) end++
  return joined.rows.slice(first, end)
}

/** Edges are whole pixels, so that neighbouring windows neither overlap nor leave a seam. */
function fillBand(area: Area, rows: readonly ApiSummary[], colour: string): void {
  const { context, x, y, ratio } = area
  context.fillStyle = colour
  context.beginPath()
  for (const row of rows) {
    const left = Math.round(x(row.start))
    const width = Math.max(Math.round(x(rowEnd(row))) - left, rows.length > 1 ? 0 : ratio)
    const top = y(row.max)
    context.rect(left, top, width, Math.max(y(row.min) - top, ratio))
  }
  context.fill()
}

/** Windows narrower than this, in pixels of the screen, are joined at their middles: steps would hide the band. */
const narrow = 3

function strokeMiddles(area: Area, rows: readonly ApiSummary[], value: (row: ApiSummary) => number): void {
  const { context, x, y } = area
  context.beginPath()
  let end = Number.NaN
  for (const row of rows) {
    const middle = x((row.start + rowEnd(row)) / 2)
    if (row.start === end) context.lineTo(middle, y(value(row)))
    else {
      context.moveTo(x(row.start), y(value(row)))
      context.lineTo(middle, y(value(row)))
    }
    end = row.start + row.lengthMs
  }
  context.stroke()
}

function strokeRows(area: Area, rows: readonly ApiSummary[], value: (row: ApiSummary) => number): void {
  const [first] = rows
  if (!first) return
  const width = area.x(first.start + first.lengthMs) - area.x(first.start)
  if (width < narrow * area.ratio) strokeMiddles(area, rows, value)
  else strokeLevels(area, rows, value)
}

/** A level per window, joined where windows touch: what is drawn at a moment is what its window says. */
function strokeLevels(area: Area, rows: readonly ApiSummary[], value: (row: ApiSummary) => number): void {
  const { context, x, y } = area
  context.beginPath()
  let end = Number.NaN
  for (const row of rows) {
    const level = y(value(row))
    if (row.start === end) context.lineTo(x(row.start), level)
    else context.moveTo(x(row.start), level)
    context.lineTo(Math.max(x(rowEnd(row)), x(row.start) + 1), level)
    end = row.start + row.lengthMs
  }
  context.stroke()
}

function washOpen(area: Area, { joined, now, palette }: Painting): void {
  const { context, x, top, height } = area
  const from = Math.max(joined.openFrom, area.from)
  const to = Math.min(now, area.to)
  if (!Number.isFinite(from) || to <= from) return
  context.fillStyle = palette['open-wash']
  context.fillRect(x(from), top, x(to) - x(from), height)
}

function paintReadings(area: Area, { joined, recent, palette }: Painting): void {
  const { context, x, y, ratio } = area
  const start = recent.from(Math.max(joined.openFrom, area.from))
  if (start >= recent.ts.length) return
  context.strokeStyle = palette.ink
  context.fillStyle = palette.ink
  context.lineWidth = ratio
  context.globalAlpha = 0.55
  context.beginPath()
  const dots = new Path2D()
  for (let index = start; index < recent.ts.length; index++) {
    const left = x(recent.ts[index] ?? 0)
    const level = y(recent.value[index] ?? 0)
    if (index === start) context.moveTo(left, level)
    else context.lineTo(left, level)
    dots.rect(left - 1.25 * ratio, level - 1.25 * ratio, 2.5 * ratio, 2.5 * ratio)
  }
  context.stroke()
  context.globalAlpha = 1
  context.fill(dots)
}

/** Band, p95 and mean of stored rows, the same of open windows in the colour of what may still change, live readings. */
export function paint(area: Area, painting: Painting): void {
  const { context, ratio } = area
  const { palette } = painting
  const rows = visibleRows(painting, area)
  const stored = rows.filter((row) => !row.provisional)
  const open = rows.filter((row) => row.provisional)
  context.save()
  context.beginPath()
  context.rect(area.left, area.top, area.width, area.height)
  context.clip()
  context.lineJoin = 'round'
  washOpen(area, painting)
  paintEpisodes(area, { ...painting.alerts, now: painting.now, palette })
  fillBand(area, stored, palette['water-soft'])
  fillBand(area, open, palette['open-soft'])
  const dense = rows.length > area.width / ratio
  context.lineWidth = (dense ? 0.75 : 1) * ratio
  context.strokeStyle = palette.p95
  context.globalAlpha = 0.75
  strokeRows(area, stored, (row) => row.p95)
  context.globalAlpha = 1
  context.lineWidth = (dense ? 1 : 1.75) * ratio
  context.strokeStyle = palette.water
  strokeRows(area, stored, (row) => row.mean)
  context.strokeStyle = palette.open
  context.setLineDash([4 * ratio, 3 * ratio])
  strokeLevels(area, open, (row) => row.mean)
  context.setLineDash([])
  paintReadings(area, painting)
  paintMarks(area, { ...painting, palette })
  context.restore()
}

/** Lowest and highest value in view; undefined where nothing is in view. */
export function valueRange(painting: Painting, span: { from: number; to: number }): [number, number] | undefined {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (const row of visibleRows(painting, span)) {
    min = Math.min(min, row.min)
    max = Math.max(max, row.max)
  }
  const { joined, recent } = painting
  const end = recent.from(span.to)
  for (let index = recent.from(Math.max(joined.openFrom, span.from)); index < end; index++) {
    const value = recent.value[index] ?? Number.NaN
    min = Math.min(min, value)
    max = Math.max(max, value)
  }
  return min > max ? undefined : [Math.min(min, ...painting.inSight), Math.max(max, ...painting.inSight)]
}
