import fc from 'fast-check'
import { expect, test } from 'vitest'
import { storedRow } from '../testing/rows.ts'
import { encodeFloat, encodeHead, encodeText, LineEncoder } from './line-protocol.ts'
import { parseLine } from './testing/parse-line.ts'

const name = fc.stringMatching(/^[A-Za-z0-9._:-]{1,64}$/)
const anyText = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/[\r\n\\]/.test(text))
const double = fc.double({ noNaN: true, noDefaultInfinity: true })

test('any measurement, tag and text reads back as it was', () => {
  fc.assert(
    fc.property(
      fc.tuple(anyText, anyText, anyText, fc.string({ unit: 'grapheme' })),
      ([measurement, key, value, text]) => {
        const line = `${encodeHead(measurement, [[key, value]])} note=${encodeText(text)} 5`
        expect(parseLine(line)).toEqual({
          measurement,
          tags: { [key]: value },
          fields: { note: text.replace(/[\r\n]/g, ' ') },
          time: 5,
        })
      },
    ),
  )
})

test('every finite double reads back as the same double', () => {
  fc.assert(fc.property(double, (value) => Object.is(Number(encodeFloat(value)), value)))
})

test('a row reads back with its full field set', () => {
  const encoder = new LineEncoder(2)
  fc.assert(
    fc.property(
      fc.tuple(name, name, name),
      fc.array(double, { minLength: 10, maxLength: 10 }),
      fc.nat(1e9),
      ([site, device, metric], doubles, count) => {
        const [sum, min, max, mean, stddev, first, last, p50, p95, p99] = doubles as [number, ...number[]]
        const values = { sum, min, max, mean, stddev, first, last, p50, p95, p99 } as Record<string, number>
        const row = {
          ...storedRow(),
          ...values,
          site,
          device,
          metric,
          count,
          unit: '"W\\m²" =, ',
          increase: count % 2 ? sum : null,
        }
        const { measurement, tags, fields, time } = parseLine(encoder.summary(row))
        expect({ measurement, tags, time }).toEqual({
          measurement: 'summary_1m',
          tags: { site, device, metric },
          time: row.start,
        })
        const { site: _s, device: _d, metric: _m, start: _t, increase, ...rest } = row
        expect(fields).toEqual(increase === null ? rest : { ...rest, increase })
      },
    ),
  )
})
