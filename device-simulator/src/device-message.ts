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
  readings: Readings
  setAside: SetAside | undefined
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
    const future = isFuture(send) && !('*' in judged.setAside) ? futureOf(judged.readings) : {}
    return { text: null, body: () => body, readings: judged.readings, setAside: { ...future, ...judged.setAside } }
  }
  const text = objectText(send, readings)
  const setAside = isFuture(send) ? futureOf(readings) : undefined
  return { text, body: () => encodeText(text), readings, setAside }
}

function isFuture({ tsMs, sendMs }: Send): boolean {
  return tsMs !== null && tsMs > sendMs + futureMs
}

function futureOf(readings: Readings): SetAside {
  return Object.fromEntries(readings.map(([metric]) => [metric, 'future' as const]))
}
