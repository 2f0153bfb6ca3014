import type { Step } from '@millrace/contracts'

export const minuteMs = 60_000
export const hourMs = 60 * minuteMs
export const dayMs = 24 * hourMs

export const stepMs: Readonly<Record<Step, number>> = { '1m': minuteMs, '1h': hourMs, '1d': dayMs }

/** The finest step that gives a chart no more than about two rows per pixel column. */
export function chooseStep(spanMs: number): Step {
  if (spanMs <= 36 * hourMs) return '1m'
  if (spanMs <= 62 * dayMs) return '1h'
  return '1d'
}

export interface Preset {
  id: string
  label: string
  spanMs: number
}

export const presets: readonly Preset[] = [
  { id: '5m', label: '5 min', spanMs: 5 * minuteMs },
  { id: '15m', label: '15 min', spanMs: 15 * minuteMs },
  { id: '1h', label: '1 h', spanMs: hourMs },
  { id: '6h', label: '6 h', spanMs: 6 * hourMs },
  { id: '24h', label: '24 h', spanMs: dayMs },
  { id: '7d', label: '7 d', spanMs: 7 * dayMs },
  { id: '30d', label: '30 d', spanMs: 30 * dayMs },
]
