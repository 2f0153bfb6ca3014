import type { RuleDefinition } from './schema.ts'

/** Bad outside `[low, high]`, good inside `[clearLow, clearHigh]`, between them neither: that is the hysteresis. */
export interface Bounds {
  low: number
  high: number
  clearLow: number
  clearHigh: number
}

/** A fault of bounds: the setting it is in, and what is allowed. */
export interface BoundsFault {
  key: string
  expected: string
}

type Limits = {
  above?: number | undefined
  below?: number | undefined
  outside?: [number, number] | undefined
  clear?: number | [number, number] | undefined
}

const none = Number.POSITIVE_INFINITY

function fromAbove(above: number, clear: Limits['clear'] = above): Bounds | BoundsFault {
  if (typeof clear !== 'number' || clear > above) return { key: 'clear', expected: `a number of at most ${above}` }
  return { low: -none, high: above, clearLow: -none, clearHigh: clear }
}

function fromBelow(below: number, clear: Limits['clear'] = below): Bounds | BoundsFault {
  if (typeof clear !== 'number' || clear < below) return { key: 'clear', expected: `a number of at least ${below}` }
  return { low: below, high: none, clearLow: clear, clearHigh: none }
}

function fromOutside([low, high]: [number, number], clear: Limits['clear'] = [low, high]): Bounds | BoundsFault {
  const inside = typeof clear === 'object' && clear[0] >= low && clear[1] <= high
  if (!inside) return { key: 'clear', expected: `two numbers from ${low} to ${high}` }
  return { low, high, clearLow: clear[0], clearHigh: clear[1] }
}

function fromLimits(limits: Limits): Bounds | BoundsFault {
  const { above, below, outside, clear } = limits
  const given = [above, below, outside].filter((one) => one !== undefined)
  if (given.length !== 1) return { key: 'above', expected: 'exactly one of above, below, outside' }
  if (above !== undefined) return fromAbove(above, clear)
  return below === undefined ? fromOutside(outside!, clear) : fromBelow(below, clear)
}

function fromScore({ score, clear, direction }: Extract<RuleDefinition, { kind: 'deviation' }>): Bounds | BoundsFault {
  const back = clear ?? score
  if (back > score) return { key: 'clear', expected: `a number of at most ${score}` }
  const [low, clearLow] = direction === 'above' ? [-none, -none] : [-score, -back]
  const [high, clearHigh] = direction === 'below' ? [none, none] : [score, back]
  return { low, high, clearLow, clearHigh }
}

function fromMissing(rule: Extract<RuleDefinition, { kind: 'incomplete' }>): Bounds | BoundsFault {
  const { missing, missingMessages, clear } = rule
  if ((missing === undefined) === (missingMessages === undefined)) {
    return { key: 'missing', expected: 'exactly one of missing, missingMessages' }
  }
  if (missingMessages !== undefined) return fromAbove(missingMessages, clear)
  const percent = fromAbove(missing! * 100, clear === undefined ? undefined : clear * 100)
  return 'key' in percent ? { key: 'clear', expected: `a share of at most ${missing}` } : percent
}

/** What a rule calls bad and good; shares are in percent. Silence has no bounds: a device is heard or it is not. */
export function boundsOf(rule: RuleDefinition): Bounds | BoundsFault {
  switch (rule.kind) {
    case 'silence':
      return { low: -none, high: none, clearLow: -none, clearHigh: none }
    case 'deviation':
      return fromScore(rule)
    case 'incomplete':
      return fromMissing(rule)
    default:
      return fromLimits(rule)
  }
}

export function isGood(value: number, { clearLow, clearHigh }: Bounds): boolean {
  return value >= clearLow && value <= clearHigh
}

export type Level = 'bad' | 'between' | 'good'

export function levelOf(value: number, bounds: Bounds): Level {
  if (value > bounds.high || value < bounds.low) return 'bad'
  return isGood(value, bounds) ? 'good' : 'between'
}
