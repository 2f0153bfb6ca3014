import { gzipSync } from 'node:zlib'
import { maxBodyBytes } from '@millrace/contracts'
import { HubEvent, type RawEvent } from '@millrace/transports'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type EventContext, readEvent } from './hub-message.ts'

const text = '{"v":1,"name":"größe"}'
const context: EventContext = { log: 'hub/0', identity: 'hub', directDevices: 'set-aside' }

function event(more: Partial<RawEvent> = {}): HubEvent {
  const raw = {
    body: Buffer.from(text),
    properties: { kind: 'summaries', site: 'north' },
    systemProperties: { 'iothub-connection-device-id': 'pi-01' },
    sequenceNumber: 1,
    enqueuedTimeUtc: new Date(0),
    ...more,
  }
  return new HubEvent(raw, maxBodyBytes)
}

const amqp = (value: string) => Buffer.concat([Buffer.from([0xa1, Buffer.byteLength(value)]), Buffer.from(value)])
const swapped = (bytes: Buffer) => Buffer.from(bytes).swap16()
const utf32le = Buffer.from(new Uint8Array(Uint32Array.from([...text], (one) => one.codePointAt(0)!).buffer))

describe('an event of an agent', () => {
  test('goes by the name of its device', () => {
    const message = readEvent(event(), context)
    expect(message).toMatchObject({ topic: 'millrace/v1/north/pi-01/summaries' })
    expect(Buffer.from(message!.body).toString()).toBe(text)
  })

  test.each([
    ['texts of AMQP, as the Kafka side hands them on', { kind: amqp('summaries'), site: amqp('north') }],
    ['plain bytes', { kind: Buffer.from('summaries'), site: Buffer.from('north') }],
    ['names in another case', { Kind: 'summaries', SITE: 'north' }],
  ])('with properties in %s is the same', (_name, properties) => {
    expect(readEvent(event({ properties }), context)?.topic).toBe('millrace/v1/north/pi-01/summaries')
  })

  test.each([
    ['gzip', gzipSync(text)],
    ['UTF-16', Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['utf-16', Buffer.from(text, 'utf16le')],
    ['utf-16', swapped(Buffer.from(`\ufeff${text}`, 'utf16le'))],
    ['utf-32', utf32le],
    ['utf-8', Buffer.from(text)],
  ])('with a body in %s is the same', (contentEncoding, body) => {
    const systemProperties = { 'iothub-connection-device-id': 'pi-01', contentEncoding }
    const message = readEvent(event({ body, systemProperties }), context)
    expect(message?.setAside).toBeUndefined()
    expect(Buffer.from(message!.body).toString()).toBe(text)
  })

  test('whose body is not in its encoding is set aside with its bytes', () => {
    const systemProperties = { 'iothub-connection-device-id': 'pi-01', contentEncoding: 'gzip' }
    expect(readEvent(event({ systemProperties }), context)).toMatchObject({
      topic: 'hub/0',
      setAside: { reason: 'bad-body', device: 'pi-01', count: 1 },
    })
  })
})

describe('an event without kind and site', () => {
  const direct = (value: unknown) => event({ properties: {}, body: Buffer.from(JSON.stringify(value)) })

  test("with a device's own readings is set aside as such, by their number", () => {
    const message = readEvent(
      direct([{ readings: { a: 1, b: 2 } }, { ts: 1_763_640_000, readings: { a: 3 } }]),
      context,
    )
    expect(message?.setAside).toEqual({ reason: 'direct-device', device: 'pi-01', count: 3 })
  })

  test('with anything else is set aside for what it is', () => {
    expect(readEvent(direct({ temperature: 3 }), context)?.setAside?.reason).toBe('bad-shape')
    expect(readEvent(event({ properties: {}, body: Buffer.from('{') }), context)?.setAside?.reason).toBe('bad-json')
  })

  test('is left to an agent where the settings say so', () => {
    const leaving: EventContext = { ...context, directDevices: 'agent' }
    expect(readEvent(direct([{ readings: { a: 1 } }]), leaving)).toBeUndefined()
    expect(readEvent(event(), leaving)?.topic).toBe('millrace/v1/north/pi-01/summaries')
    // The agent takes all that has not both: a device may have properties of its own by these names.
    for (const properties of [{ kind: 'boiler', site: 'north' }, { kind: 'summaries' }, { site: 'north' }]) {
      expect(readEvent(event({ properties }), leaving)).toBeUndefined()
    }
  })
})

test('no event at all makes it throw', () => {
  const anything = fc.record({
    body: fc.oneof(
      fc.anything(),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    ),
    properties: fc.dictionary(fc.constantFrom('kind', 'site', 'Kind', 'agent'), fc.anything()),
    systemProperties: fc.dictionary(
      fc.constantFrom('iothub-connection-device-id', 'contentEncoding', 'iothub-message-source'),
      fc.oneof(fc.anything(), fc.constantFrom('gzip', 'utf-16', 'utf-32', 'br', 'deflate', 'Telemetry')),
    ),
  })
  const identity = fc.constantFrom('hub' as const, 'sender' as const)
  fc.assert(
    fc.property(anything, identity, (parts, who) => {
      readEvent(event(parts), { ...context, identity: who })
    }),
  )
})
