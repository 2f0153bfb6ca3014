import { type ExplainedLetter, secondsBelow } from '@millrace/contracts'
import { deadLetters, type KeptLetter, type Spool } from '@millrace/spool'

export interface LetterSpan {
  start: number
  lengthMs: number
  /** How long after its end a window takes readings as a matter of course. */
  graceMs: number
}

const maxLetters = 50

/** Letters of a device with a time in the window, or that came while it was open. */
export async function lettersAround(
  spool: Spool,
  device: { site: string; device: string },
  span: LetterSpan,
): Promise<ExplainedLetter[]> {
  const found = (await deadLetters.ofDevice(spool, device)).flatMap((letter) => {
    const by = reasonToShow(letter, span)
    const { reason, nth, atMs, source, count } = letter
    return by ? [{ reason, nth, atMs, source, readings: count, by }] : []
  })
  return found.slice(-maxLetters)
}

function reasonToShow(
  { atMs, body }: KeptLetter,
  { start, lengthMs, graceMs }: LetterSpan,
): ExplainedLetter['by'] | undefined {
  const times = timesIn(body)
  if (times.some((ts) => ts >= start && ts < start + lengthMs)) return 'time'
  if (times.length > 0) return undefined
  return atMs >= start && atMs < start + lengthMs + graceMs ? 'arrival' : undefined
}

/** Event times that a body of the contract's JSON names; none where it cannot be read. */
export function timesIn(body: Uint8Array): number[] {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return []
  }
  const objects = Array.isArray(value) ? value : [value]
  return objects.map((one: { ts?: unknown } | null) => timeOf(one?.ts)).filter((ts) => Number.isFinite(ts))
}

function timeOf(ts: unknown): number {
  if (typeof ts === 'number') return Math.abs(ts) < secondsBelow ? ts * 1000 : ts
  return typeof ts === 'string' ? Date.parse(ts) : Number.NaN
}
