import fc from 'fast-check'
import { expect, test } from 'vitest'
import { storedRow } from '../testing/rows.ts'
import { LineBuffer } from './line-buffer.ts'
import { encodeHead, encodeText, LineEncoder } from './line-protocol.ts'
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

const utf8 = new TextDecoder()
const textOf = (line: LineBuffer) => utf8.decode(line.slice(0, line.length)).trimEnd()
/** As sensors round: up to six decimals. */
const decimal = fc
  .tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.nat(6))
  .map(([whole, places]) => Number((whole / 10 ** places).toFixed(places)))
const number = fc.oneof(double, decimal, fc.integer().map(Number), fc.maxSafeInteger().map(Number), fc.constant(-0))

test('every finite number and every time reads back as it was', () => {
  const line = new LineBuffer(1)
  fc.assert(
    fc.property(number, fc.maxSafeInteger(), fc.maxSafeInteger(), (value, count, time) => {
      line.clear()
      line.ascii('m f=')
      line.float(value)
      line.ascii(',i=')
      line.integer(count)
      line.end(time)
      const [, float, integer, at] = /^m f=(.+),i=(.+)i (.+)\n$/.exec(utf8.decode(line.slice(0, 1)))!
      return Object.is(Number(float), value) && integer === String(count) && at === String(time)
    }),
    { numRuns: 2_000 },
  )
})

test.each([
  ...[0.5, -0.5, 0.0001, -0.0001, 0.00001, 21.4, -12.3456, 100, 1e9, 1e9 + 0.25, -1234567890.1234, 900719925474.0991],
  ...[900719925474.0992, 0, 1e21, 5e-324, 1.7976931348623157e308, 2 ** 53, 0.1 + 0.2],
])('%d is written as JavaScript writes it', (value) => {
  const line = new LineBuffer(1)
  line.float(value)
  line.end(1)
  expect(textOf(line)).toBe(`${value} 1`)
})

test('lines of a growing buffer are where they were written', () => {
  const line = new LineBuffer(8)
  for (let index = 0; index < 3000; index++) {
    line.put(Buffer.from(`m,t=${index} v=`))
    line.float(index / 3)
    line.end(index)
  }
  expect(utf8.decode(line.slice(1500, 1502))).toBe('m,t=1500 v=500 1500\nm,t=1501 v=500.3333333333333 1501\n')
  expect(utf8.decode(line.slice(0, 3000)).split('\n')).toHaveLength(3001)
  expect(line.slice(7, 7)).toHaveLength(0)
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
        const line = new LineBuffer(16)
        encoder.summary(row, line)
        const { measurement, tags, fields, time } = parseLine(textOf(line))
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

test('a line break in a text becomes a space: some servers would end the line there', () => {
  expect(encodeText('a\nb\r\nc"\\')).toBe('"a b  c\\"\\\\"')
})

test('the head of a line is its own row’s, also where only agent, spool, unit or parts differ from the row before', () => {
  const encoder = new LineEncoder()
  const row = storedRow({ values: [1] })
  const rows = [row, { ...row, agent: 'b' }, { ...row, spool: 'c' }, { ...row, unit: 'K' }, { ...row, parts: 2 }]
  const line = new LineBuffer()
  for (const one of [...rows, ...rows.toReversed()]) encoder.summary(one, line)
  const fields = textOf(line)
    .split('\n')
    .map((text) => parseLine(text).fields)
  expect(fields).toMatchObject(
    [...rows, ...rows.toReversed()].map(({ agent, spool, unit, parts }) => ({ agent, spool, unit, parts })),
  )
})
