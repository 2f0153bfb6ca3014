import { futureMs, telemetryTopic } from '@millrace/contracts'
import type { DevicePlan } from './device.ts'
import { envelopeText, objectText } from './envelope.ts'
import { findHarm, type SetAside } from './harm.ts'
import { type Readings, readingsAt } from './readings.ts'
import type { Send } from './send.ts'

/** What one message says, and what its receiver has to set aside of it. */
export interface DeviceMessage {
  /** Text of a sound object, which may stand in an array with others; null where the bytes are spoilt. */
  text: string | null
  body: () => Uint8Array
  /** The sound ones. */
  readings: Readings
  setAside: SetAside
}

const encoder = new TextEncoder()

export const encodeText = (text: string) => encoder.encode(text)

export function topicOf({ site, device }: { site: string; device: string }): string {
  return telemetryTopic({ site, device })
}

/** The message of a send. The sender and the recount both use this, so they cannot differ. */
export function messageOf(plan: DevicePlan, send: Send): DeviceMessage {
  const readings = readingsAt(plan, send.tick, send.atMs)
  if (send.harm !== null) {
    const { body, ...judged } = findHarm(send.harm).apply({ envelope: envelopeText(send), readings })
    return { text: null, body: () => body, ...judgedByTime(send, judged) }
  }
  const text = objectText(send, readings)
  return { text, body: () => encodeText(text), ...judgedByTime(send, { readings, setAside: {} }) }
}

/** Readings that their receiver must find to lie in the future are set aside too, each for itself. */
function judgedByTime({ tsMs, sendMs }: Send, judged: { readings: Readings; setAside: SetAside }) {
  if (tsMs === null || tsMs <= sendMs + futureMs) return judged
  const future = Object.fromEntries(judged.readings.map(([metric]) => [metric, 'future' as const]))
  return { readings: [], setAside: { ...future, ...judged.setAside } }
}
