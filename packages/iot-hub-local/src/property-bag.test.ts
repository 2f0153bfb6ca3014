import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatBag, joinBag, parseBag, splitBag } from './property-bag.ts'

describe('a property bag', () => {
  it('is read as azure-iot-device-mqtt puts it on the wire, with the dollar encoded', () => {
    const text = '%24.mid=m1&%24.cid=c%201&%24.ct=application%2Fjson%3Bcharset%3Dutf-8&%24.ce=utf-8&site=plant%20A%2F1'
    expect(splitBag(parseBag(text)!)).toEqual({
      message: {
        message_id: 'm1',
        correlation_id: 'c 1',
        content_type: 'application/json;charset=utf-8',
        content_encoding: 'utf-8',
      },
      properties: { site: 'plant A/1' },
      annotations: {},
    })
  })

  it('is the same with a literal dollar, a question mark before it, and lower-case escapes', () => {
    const [literal, encoded] = ['?$.ct=application%2fjson&$.ce=utf-8', '%24%2Ect=application%2Fjson&%24.ce=utf-8']
    expect(parseBag(literal)).toEqual(parseBag(encoded))
  })

  it('tells null from empty, and knows times and the subject', () => {
    const bag = parseBag('a&b=&$.exp=2026-01-02T03%3A04%3A05.678Z&$.ctime=2026-01-02T03:04:05Z&$.sub=thermostat1')!
    const at = Date.parse('2026-01-02T03:04:05.678Z')
    expect(splitBag(bag)).toEqual({
      message: { absolute_expiry_time: at, creation_time: at - 678 },
      properties: { a: null, b: '' },
      annotations: { 'dt-subject': 'thermostat1' },
    })
  })

  it('with a broken escape or without a key is refused', () => {
    for (const text of ['a=%', '%zz=1', 'a=%ff', '=1']) expect(parseBag(text)).toBeUndefined()
  })

  it('splits at the first equals sign only', () => {
    expect([...parseBag('a=b=c')!]).toEqual([['a', 'b=c']])
  })

  const text = fc.string({
    unit: fc.oneof(fc.string({ unit: 'grapheme', maxLength: 1 }), fc.constantFrom('%', '&', '=', '$', '/', '+', '#')),
  })
  const entries = fc.uniqueArray(
    fc.tuple(
      text.filter((key) => key !== ''),
      fc.option(text),
    ),
    { selector: ([key]) => key },
  )

  it('of any keys and values is read back, and no part of it leaves its level of the topic', () => {
    fc.assert(
      fc.property(entries, (pairs) => {
        const formatted = formatBag(pairs)
        expect([...parseBag(formatted)!]).toEqual(pairs)
        expect(formatted).not.toMatch(/[/#+\s]/)
      }),
    )
  })

  it('of a message for a device says what the message says', () => {
    const words = fc.string({ minLength: 1 }).filter((key) => !key.startsWith('$'))
    const properties = fc.dictionary(words, fc.option(text), { noNullPrototype: true })
    fc.assert(
      fc.property(text, properties, (id, given) => {
        const message = { message_id: id, content_type: 'text/plain', absolute_expiry_time: 1_893_456_000_000 }
        expect(splitBag(joinBag({ message, properties: given }))).toEqual({
          message,
          properties: given,
          annotations: {},
        })
      }),
    )
  })
})
