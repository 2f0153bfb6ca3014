import type { Logger } from '@millrace/pipeline'
import type { MqttBase } from 'azure-iot-mqtt-base'

const twinAnswer = /^\$iothub\/twin\/res\/(\d+)\//
const twinChange = '$iothub/twin/PATCH/properties/desired'
/** Twins of the hub have ten levels; the SDK takes them apart by recursion. */
const maxLevels = 64
const unreadable = Buffer.from('{"errorCode":400,"message":"the answer about the twin is no JSON object"}')
/** Names no version, so it makes the reader ask for everything. */
const noChange = Buffer.from('{}')

function levelsOf(value: unknown): number {
  let levels = 0
  for (let layer: unknown[] = [value]; layer.length > 0 && levels <= maxLevels; levels++) {
    layer = layer.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []))
  }
  return levels
}

function readable(payload: Uint8Array): boolean {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload).toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) && levelsOf(value) <= maxLevels
  } catch {
    return false
  }
}

/** The payload of a message to the device, or what stands for a twin that the SDK would end the process over. */
export function guardedPayload(topic: string, payload: Uint8Array): Uint8Array {
  if (topic.startsWith(twinChange)) return readable(payload) ? payload : noChange
  const [, status] = twinAnswer.exec(topic) ?? []
  // The answer to reported properties has no body.
  if (status === undefined || status === '204') return payload
  return readable(payload) ? payload : unreadable
}

/**
 * The wire below the SDK, which parses twins, topics and properties unguarded in an event: what a gateway or a broken
 * hub sends would end the whole process.
 */
export function guardedBase(Base: typeof MqttBase, log: Logger): MqttBase {
  class GuardedBase extends Base {
    override emit(event: string | symbol, ...values: unknown[]): boolean {
      if (event !== 'message') return super.emit(event, ...values)
      const [topic, payload] = values as [string, Uint8Array]
      const about = { topic: topic.slice(0, 200), bytes: payload.byteLength }
      const taken = guardedPayload(topic, payload)
      if (taken !== payload) log.warn(about, 'the hub sent a twin that is not readable')
      try {
        return super.emit(event, topic, taken)
      } catch (error) {
        log.error({ ...about, error }, 'a message of the hub could not be taken')
        return true
      }
    }
  }
  return new GuardedBase()
}
