import type { Mark } from '@millrace/contracts'
import type { Area } from '../view/chart-paint.ts'
import type { Palette } from '../view/palette.ts'

const stripHeight = 3
const rowHeight = 14
const gap = 6
const footHeight = 4
const font = '10px ui-sans-serif, system-ui, sans-serif'

interface Placed {
  mark: Mark
  left: number
  right: number
}

/** In the canvas's own pixels, cut at the edges of the plot. */
function place(area: Area, mark: Mark, now: number): Placed {
  const end = Math.max(mark.from, mark.to ?? now)
  const left = Math.max(area.x(mark.from), area.left)
  return { mark, left, right: Math.min(Math.max(area.x(end), left), area.left + area.width) }
}

const isMoment = ({ mark }: Placed) => mark.from === mark.to

function line({ context, top, height }: Area, x: number): void {
  context.beginPath()
  context.moveTo(x, top)
  context.lineTo(x, top + height)
  context.stroke()
}

function paintStretch(area: Area, { left, right }: Placed): void {
  const { context, top, height, ratio } = area
  context.globalAlpha = 0.07
  context.fillRect(left, top, Math.max(right - left, ratio), height)
  context.globalAlpha = 0.5
  context.setLineDash([2 * ratio, 3 * ratio])
  for (const x of [left, right]) line(area, x)
  context.setLineDash([])
  context.globalAlpha = 1
  context.fillRect(left, top + height - stripHeight * ratio, Math.max(right - left, ratio), stripHeight * ratio)
}

/** A foot on a faint line: many of them must not hide what they are about. */
function paintMoment(area: Area, { left }: Placed): void {
  const { context, top, height, ratio } = area
  context.globalAlpha = 0.28
  line(area, left)
  context.globalAlpha = 1
  context.beginPath()
  context.moveTo(left, top + height - 2 * footHeight * ratio)
  context.lineTo(left + footHeight * ratio, top + height)
  context.lineTo(left - footHeight * ratio, top + height)
  context.fill()
}

/** Labels of one row from the left, each where it does not lie on the one before it. */
function paintLabels(area: Area, row: readonly Placed[], options: { y: number; ground: string; ink: string }): void {
  const { context, ratio, left, width } = area
  let free = left
  for (const { mark, left: at } of row) {
    const wide = context.measureText(mark.text).width + 2 * gap * ratio
    const x = Math.min(at, left + width - wide)
    if (x < free) continue
    context.globalAlpha = 0.8
    context.fillStyle = options.ground
    context.fillRect(x + ratio, options.y - rowHeight * ratio, wide - ratio, rowHeight * ratio)
    context.globalAlpha = 1
    context.fillStyle = options.ink
    context.fillText(mark.text, x + gap * ratio, options.y - 4 * ratio)
    free = x + wide
  }
}

/** Marks in view: a stretch as a faint band between two lines, a moment as a line, named along the lower edge. */
export function paintMarks(
  area: Area,
  { marks, now, palette }: { marks: readonly Mark[]; now: number; palette: Palette },
) {
  const { context, ratio, top, height } = area
  const placed = marks.map((mark) => place(area, mark, now))
  context.fillStyle = palette.mark
  context.strokeStyle = palette.mark
  context.lineWidth = ratio
  for (const each of placed) (isMoment(each) ? paintMoment : paintStretch)(area, each)
  context.textAlign = 'left'
  context.textBaseline = 'alphabetic'
  context.font = font.replace('10px', `${10 * ratio}px`)
  const y = top + height - (stripHeight + 1) * ratio
  const colours = { ground: palette.panel, ink: palette.mark }
  paintLabels(
    area,
    placed.filter((each) => !isMoment(each)),
    { y, ...colours },
  )
  paintLabels(area, placed.filter(isMoment), { y: y - rowHeight * ratio, ...colours })
}
