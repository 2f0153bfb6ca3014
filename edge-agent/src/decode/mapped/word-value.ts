import { maxAbsoluteValue } from '@millrace/contracts'

/** Words of a firmware in lower case; null for one that says that there is no value. */
export type Words = ReadonlyMap<string, number | null>

const everyonesWords = { on: 1, off: 0, true: 1, false: 0 }
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

export function wordsOf(...more: readonly (Readonly<Record<string, number | null>> | undefined)[]): Words {
  const all: Record<string, number | null> = Object.assign({}, everyonesWords, ...more)
  return new Map(Object.entries(all).map(([word, value]) => [word.toLowerCase(), value]))
}

/**
 * A raw value as a number before scaling: `none` where it says that there is none, `text` for other text, NaN out
 * of range. With `wordsOnly` digits in quotes are text: they are often a serial number.
 */
export function numberOf(
  raw: unknown,
  { words, wordsOnly }: { words: Words; wordsOnly: boolean },
): number | 'none' | 'text' {
  if (raw === null) return 'none'
  if (typeof raw === 'boolean') return raw ? 1 : 0
  if (typeof raw === 'string') return wordNumber(raw, words) ?? (wordsOnly ? 'text' : decimalNumber(raw))
  return typeof raw === 'number' && Math.abs(raw) <= maxAbsoluteValue ? raw : Number.NaN
}

function wordNumber(text: string, words: Words): number | 'none' | undefined {
  const value = words.get(text.trim().toLowerCase())
  return value === null ? 'none' : value
}

function decimalNumber(text: string): number | 'text' {
  if (!decimal.test(text.trim())) return 'text'
  const value = Number(text)
  return Math.abs(value) <= maxAbsoluteValue ? value : Number.NaN
}
