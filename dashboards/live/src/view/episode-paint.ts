import type { ApiAlert } from '@millrace/contracts'
import type { Area } from './chart-paint.ts'
import type { Palette } from './palette.ts'

const colours = { critical: 'bad', warning: 'open', info: 'water' } as const

/** The bound of the alert where it is one of the values themselves, and not of their change, count or sum. */
export function boundOf(alert: ApiAlert, { metric, unit }: { metric: string; unit: string }): number | undefined {
  if (alert.threshold === null || alert.metric !== metric || alert.unit !== unit) return undefined
  return alert.threshold
}

function stroke({ context, ratio }: Area, line: { from: [number, number]; to: [number, number]; dash?: number }): void {
  context.setLineDash(line.dash === undefined ? [] : [line.dash * ratio, line.dash * ratio])
  context.beginPath()
  context.moveTo(...line.from)
  context.lineTo(...line.to)
  context.stroke()
  context.setLineDash([])
}

/** A flag on the line of the moment at which the rule's `for` was fulfilled. */
function flag({ context, top, ratio }: Area, x: number): void {
  context.beginPath()
  context.moveTo(x, top)
  context.lineTo(x + 9 * ratio, top + 5 * ratio)
  context.lineTo(x, top + 10 * ratio)
  context.fill()
}

export interface Episodes {
  alerts: readonly ApiAlert[]
  /** Kind of a rule, by its id. */
  kindOf(rule: string): string | undefined
  series: { metric: string; unit: string }
  now: number
  palette: Palette
}

function paintEpisode(area: Area, alert: ApiAlert, { series, kindOf, now, palette }: Episodes): void {
  const { context, top, height, ratio } = area
  const { state, severity, start, raised, end } = alert
  const colour = palette[state === 'withdrawn' ? 'stale' : colours[severity]]
  const [left, right] = [Math.max(area.x(start), area.left), Math.min(area.x(end ?? now), area.left + area.width)]
  context.fillStyle = colour
  context.strokeStyle = colour
  context.lineWidth = ratio
  context.globalAlpha = 0.09
  context.fillRect(left, top, Math.max(right - left, ratio), height)
  context.globalAlpha = 1
  context.fillRect(left, top, Math.max(right - left, 2 * ratio), 3 * ratio)
  stroke(area, { from: [area.x(start), top], to: [area.x(start), top + height] })
  if (end !== null) stroke(area, { from: [area.x(end), top], to: [area.x(end), top + height], dash: 2 })
  if (raised > start) stroke(area, { from: [area.x(raised), top], to: [area.x(raised), top + 10 * ratio] })
  flag(area, area.x(raised))
  const bound = kindOf(alert.rule) === 'threshold' ? boundOf(alert, series) : undefined
  if (bound !== undefined) stroke(area, { from: [left, area.y(bound)], to: [right, area.y(bound)], dash: 5 })
}

/** Alerts in view as stretches of time: from the first bad moment, with a flag where it was raised, to the end. */
export function paintEpisodes(area: Area, episodes: Episodes): void {
  for (const alert of episodes.alerts) {
    if (alert.start < area.to && (alert.end ?? episodes.now) > area.from) paintEpisode(area, alert, episodes)
  }
}
