import { type Bag, splitBag } from '../property-bag.ts'
import type { Device, EventValue, NewEvent } from '../types.ts'

export const maxMessageBytes = 256 * 1024

export interface Telemetry {
  device: Device
  bag: Bag
  body: Uint8Array
  nowMs: number
  /** What the hub itself says about it, such as `mqtt-retain`. */
  marks?: Readonly<Record<string, EventValue>>
}

function authMethod(type: Device['authentication']['type']): string {
  const [method, issuer] = type === 'sas' ? ['sas', 'iothub'] : ['x509Certificate', 'external']
  return JSON.stringify({ scope: 'device', type: method, issuer, acceptingIpFilterRule: null })
}

function bytesOf(values: object, withNames: boolean): number {
  let bytes = 0
  for (const [name, value] of Object.entries(values)) {
    bytes += Buffer.byteLength(String(value ?? '')) + (withNames ? Buffer.byteLength(name) : 0)
  }
  return bytes
}

/** Body, values of system properties, names and values of application properties: what the 256 KB are of. */
export function sizeOf({ body, message, properties }: Pick<NewEvent, 'body' | 'message' | 'properties'>): number {
  return body.length + bytesOf(message, false) + bytesOf(properties, true)
}

/** A message of a device as the built-in endpoint shows it. */
export function telemetryEvent({ device, bag, body, nowMs, marks = {} }: Telemetry): NewEvent {
  const { message, properties, annotations } = splitBag(bag)
  return {
    partition: { key: device.deviceId },
    body,
    message,
    properties: { ...properties, ...marks },
    annotations: {
      'iothub-connection-device-id': device.deviceId,
      'iothub-connection-auth-method': authMethod(device.authentication.type),
      'iothub-connection-auth-generation-id': device.generationId,
      'iothub-enqueuedtime': nowMs,
      'iothub-message-source': 'Telemetry',
      ...annotations,
    },
  }
}
