import { z } from 'zod'

const msPerUnit: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

const expected = 'a duration such as 30s, 5m, 6h or 7d'

function parse(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([a-z]+)$/.exec(text.trim())
  const unit = match && Object.hasOwn(msPerUnit, match[2]!) ? msPerUnit[match[2]!] : undefined
  return unit === undefined ? undefined : Math.round(Number(match![1]) * unit)
}

/** Ms above zero: a number, or a text with its unit. */
export const duration = z.custom<number | string>().transform((input: unknown, context): number => {
  const value = typeof input === 'string' ? parse(input) : input
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value
  context.addIssue({ code: 'custom', message: expected, input })
  return z.NEVER
})

/** A length of time as people write it: 90000 is `90s`. */
export function durationText(ms: number): string {
  const unit = ['d', 'h', 'm', 's'].find((name) => ms % msPerUnit[name]! === 0 && ms > 0) ?? 'ms'
  return `${ms / msPerUnit[unit]!}${unit}`
}
