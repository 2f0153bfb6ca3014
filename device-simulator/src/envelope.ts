import type { Readings } from './readings.ts'

/** What stands in a message object before its readings; null is left out. */
export interface Envelope {
  tsMs: number | null
  seq: number | null
  boot: string | null
}

/** The start of a message object up to its readings: `"ts":…,"seq":…,"boot":"…",`. */
export function envelopeText({ tsMs, seq, boot }: Envelope): string {
  const time = tsMs === null ? '' : `"ts":${tsMs},`
  const number = seq === null ? '' : `"seq":${seq},`
  return boot === null ? `${time}${number}` : `${time}${number}"boot":"${boot}",`
}

/** `{"temperature":21.4}`; names are metric names, which need no escaping. */
export function readingsText(readings: Readings): string {
  let text = ''
  for (const [metric, value] of readings) text += `${text === '' ? '{' : ','}"${metric}":${value}`
  return text === '' ? '{}' : `${text}}`
}

/** A sound message object. */
export function objectText(envelope: Envelope, readings: Readings): string {
  return `{${envelopeText(envelope)}"readings":${readingsText(readings)}}`
}
