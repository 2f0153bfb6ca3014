import fc from 'fast-check'
import { expect, test } from 'vitest'
import { foreignText } from './foreign-text.ts'
import { isOfHubItself } from './hub-event.ts'

const amqp = (value: string) => Buffer.concat([Buffer.from([0xa1, Buffer.byteLength(value)]), Buffer.from(value)])

test('text of AMQP is taken from its wrapping only where first byte and length fit', () => {
  expect(foreignText(Buffer.from('a1057069 2d3031'.replace(' ', ''), 'hex'))).toBe('pi-01')
  expect(foreignText(Buffer.from([0x70, 0x69]))).toBe('pi')
  expect(foreignText(Buffer.from([0xa1, 9, 0x70]))).toBeUndefined()
  fc.assert(fc.property(fc.string({ maxLength: 60 }), (value) => foreignText(amqp(value)) === value))
})

test('what the hub tells of its devices is known by its source, in any case of letters', () => {
  const event = (source: string) => ({
    ...{ body: Buffer.from('{}'), properties: {}, sequenceNumber: 1, enqueuedTimeUtc: new Date(0) },
    systemProperties: { 'iothub-message-source': source },
  })
  expect(isOfHubItself(event('twinChangeEvents'))).toBe(true)
  expect(isOfHubItself(event('telemetry'))).toBe(false)
  expect(isOfHubItself({ ...event(''), systemProperties: {} })).toBe(false)
})
