import { z } from 'zod'

const msPerUnit: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

const bytesPerUnit: Record<string, number> = {
  B: 1,
  kB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
}

function parseQuantity(text: string, units: Record<string, number>): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([A-Za-z]+)$/.exec(text.trim())
  const unit = match && Object.hasOwn(units, match[2]!) ? units[match[2]!] : undefined
  return unit === undefined ? undefined : Math.round(Number(match![1]) * unit)
}

/** Ms of "250ms", "90s", "1m", "6h" or "7d"; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  return parseQuantity(text, msPerUnit)
}

/** Bytes of "512B", "64KiB", "256MiB" or "2GiB"; undefined for anything else. */
export function parseByteSize(text: string): number | undefined {
  return parseQuantity(text, bytesPerUnit)
}

function quantity(parse: (text: string) => number | undefined, expected: string) {
  return z.custom<number | string>().transform((input: unknown, context): number => {
    const value = typeof input === 'string' ? parse(input) : input
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value
    context.addIssue({ code: 'custom', message: expected, input })
    return z.NEVER
  })
}

/** A setting in ms: a number, or a text with its unit. */
export const durationMs = quantity(parseDuration, 'a duration such as 250ms, 90s, 1m, 6h or 7d')

/** A setting in bytes: a number, or a text with its unit. */
export const byteSize = quantity(parseByteSize, 'a size such as 64KiB, 256MiB or 2GiB')
