import { formatBytes, formatCount, formatPercent } from '../model/format.ts'

/** `off`: nothing is known of the present, as of an agent that is away. */
export type Level = 'good' | 'waiting' | 'bad' | 'off'

export interface Figure {
  label: string
  value: string
  /** What it says, for someone who has never seen the word. */
  meaning: string
  level?: Level
}

export interface Fill {
  share: number
  text: string
  meaning: string
}

export interface Stage {
  id: string
  name: string
  /** What happens here, in a few words. */
  does: string
  figures: Figure[]
  fill?: Fill
  level: Level
  /** What is wrong, as a sentence, where something is. */
  note?: string
  /** Readings or rows move through it at the moment. */
  flows: boolean
}

const order: readonly Level[] = ['good', 'off', 'waiting', 'bad']

export function worstOf(levels: readonly Level[]): Level {
  return levels.reduce((worst, level) => (order.indexOf(level) > order.indexOf(worst) ? level : worst), 'good')
}

export function numberIn(values: Readonly<Record<string, unknown>> | undefined, name: string): number | undefined {
  const value = values?.[name]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

export function textIn(values: Readonly<Record<string, unknown>> | undefined, name: string): string | undefined {
  const value = values?.[name]
  return typeof value === 'string' ? value : undefined
}

/** "–" where the figure is not known. */
export function countText(value: number | undefined | null): string {
  return value == null ? '–' : formatCount(value)
}

/** How full a spool is; undefined where that was not told. */
export function fillOf(bytes: number | undefined, maxBytes: number | undefined): Fill | undefined {
  if (bytes === undefined || maxBytes === undefined || maxBytes <= 0) return undefined
  return {
    share: Math.min(1, bytes / maxBytes),
    text: `${formatBytes(bytes)} of ${formatBytes(maxBytes)}`,
    meaning: `Disk used of what it may use: ${formatPercent(bytes, maxBytes)}.`,
  }
}

export function fillNote(fill: Fill | undefined): { note?: string } {
  return fillLevel(fill) === 'good' ? {} : { note: `The disk is nearly full: ${fill?.text}.` }
}

export function fillLevel(fill: Fill | undefined): Level {
  return fill && fill.share > 0.8 ? 'waiting' : 'good'
}
