import { type Bag, parseBag } from '../property-bag.ts'
import { decodePercent } from '../sas.ts'

/** What a device may publish. */
export type Publication =
  | { kind: 'events'; bag: Bag }
  | { kind: 'twin-get'; requestId: string }
  | { kind: 'twin-report'; requestId: string }
  | { kind: 'method-answer'; requestId: string; status: number }

/** Everything that a device can subscribe to. */
export const twinAnswers = '$iothub/twin/res/#'
export const desiredPatches = '$iothub/twin/PATCH/properties/desired/#'
export const methodCalls = '$iothub/methods/POST/#'

export function commandsTopic(deviceId: string): string {
  return `devices/${deviceId}/messages/devicebound/`
}

export function isAllowedFilter(filter: string, deviceId: string): boolean {
  return [twinAnswers, desiredPatches, methodCalls, `${commandsTopic(deviceId)}#`].includes(filter)
}

function requestIdOf(query: string): string | undefined {
  const bag = query.startsWith('?') ? parseBag(query) : undefined
  return bag?.get('$rid') || undefined
}

function eventsOf(topic: string, deviceId: string): Publication | undefined {
  const match = /^devices\/([^/]+)\/messages\/events(?:\/(.*))?$/s.exec(topic)
  if (!match || (match[1] !== deviceId && decodePercent(match[1]!) !== deviceId)) return undefined
  const bag = parseBag(match[2] ?? '')
  return bag && { kind: 'events', bag }
}

function twinOf(topic: string): Publication | undefined {
  const match = /^\$iothub\/twin\/(GET|PATCH\/properties\/reported)\/(\?.*)$/s.exec(topic)
  const requestId = match && requestIdOf(match[2]!)
  if (!requestId) return undefined
  return { kind: match[1] === 'GET' ? 'twin-get' : 'twin-report', requestId }
}

function methodAnswerOf(topic: string): Publication | undefined {
  const match = /^\$iothub\/methods\/res\/(-?\d{1,9})\/(\?.*)$/s.exec(topic)
  const requestId = match && requestIdOf(match[2]!)
  return requestId ? { kind: 'method-answer', requestId, status: Number(match[1]) } : undefined
}

/** Undefined for every topic outside the table: the hub is no general broker. */
export function parsePublication(topic: string, deviceId: string): Publication | undefined {
  return eventsOf(topic, deviceId) ?? twinOf(topic) ?? methodAnswerOf(topic)
}
