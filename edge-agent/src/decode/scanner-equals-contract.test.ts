import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeAll, type TestInput } from './testing.ts'

const space = fc.constantFrom('', '', '', ' ', '\n', '\t ', '\r\n')
const metric = fc.constantFrom('temperature', 'humidity', 'a', 'b', 'ab', 'p.q:r-s_t', '1', '12', 'constructor')
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.double({ min: -1e3, max: 1e3, noNaN: true }).map((value) => value.toFixed(3)),
  fc.integer().map(String),
  fc.constantFrom('0', '-0', '-0.0', '1e5', '1E-7', '123456789012345678', '0.1234567890123456789', '9007199254740993'),
  fc.constantFrom('1e100', '1.0000000000000001e100', '1e308', '-1e999', '5e-324', '100000000000000000000000'),
)
const value = fc.oneof({ weight: 8, arbitrary: number }, { weight: 1, arbitrary: fc.constantFrom('true', 'false') })
const badValue = fc.constantFrom('null', '"x"', '[]', '{"a":1}', '01', '1.', '.5', '+1', '-', 'NaN', '1e', 'tru', '0x1')
const badName = fc.constantFrom('__proto__', '', 'a b', 'ä', 'a\\u0062', 'a\\"b', 'toString', 'x'.repeat(65))
const time = fc.oneof(
  fc.integer({ min: 1_763_600_000_000, max: 1_763_700_000_000 }).map(String),
  fc.integer({ min: 946_684_000, max: 4_102_445_000 }).map(String),
  fc.double({ min: 1.7e9, max: 1.8e9, noNaN: true }).map((seconds) => seconds.toFixed(3)),
  fc.constantFrom(
    '1763640000123.5',
    '0763640000123',
    '17636400001234',
    '176364000012',
    '1763640000123e0',
    '176364000012a',
  ),
  fc
    .date({ min: new Date('1999-12-01'), max: new Date('2100-02-01'), noInvalidDate: true })
    .map((date) => `"${date.toISOString()}"`),
  fc.constantFrom(
    '"2024-02-29T23:59:59Z"',
    '"2023-02-29T00:00:00Z"',
    '"2100-02-29T00:00:00Z"',
    '"2024-04-31T00:00:00Z"',
  ),
  fc.constantFrom('"2024-01-01T24:00:00Z"', '"2024-01-01T00:00:60Z"', '"2024-01-01T00:00Z"', '"2024-13-01T00:00:00Z"'),
  fc.constantFrom(
    '"2024-01-01T00:00:00.5Z"',
    '"2024-01-01T00:00:00+02:00"',
    '"2024-01-01"',
    'null',
    '-1',
    '1e11',
    '"x"',
  ),
)
const seq = fc.oneof(
  fc.integer({ min: 0, max: 1e6 }).map(String),
  fc.constantFrom('-0', '1.0', '1.5', '-1', 'null', '9007199254740991', '9007199254740992', '1e3'),
)
const boot = fc.constantFrom('"a1"', '"a2"', '"b"', '""', '"__proto__"', '"a\\u0031"', '7', '"bad name"')

function members(entries: readonly (readonly [string, string])[], [a, b]: readonly [string, string]): string {
  return `{${entries.map(([key, text]) => `${a}"${key}"${b}:${a}${text}${b}`).join(',')}${a}}`
}

const spaces = fc.tuple(space, space)
const usually = <T>(good: fc.Arbitrary<T>, bad: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 30, arbitrary: good }, { weight: 1, arbitrary: bad })

const readingsObject = fc
  .tuple(fc.array(fc.tuple(usually(metric, badName), usually(value, badValue)), { maxLength: 5 }), spaces)
  .map(([entries, around]) => members(entries, around))

const fields = fc.array(
  fc.oneof(
    fc.tuple(fc.constant('ts'), time),
    fc.tuple(fc.constant('seq'), seq),
    fc.tuple(fc.constant('boot'), boot),
    fc.tuple(fc.constant('extra'), fc.constantFrom('1', '{"a":[1]}', '"\\n"')),
  ),
  { maxLength: 3 },
)
const objectWith = (key: string, content: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(fields, usually(content, badValue), fc.nat(3), spaces)
    .map(([envelope, text, at, around]) =>
      members([...envelope.slice(0, at), [key, text], ...envelope.slice(at)], around),
    )

const deviceObject = objectWith('readings', readingsObject)
const payload = fc.oneof(
  { weight: 6, arbitrary: deviceObject },
  { weight: 2, arbitrary: fc.array(deviceObject, { maxLength: 4 }).map((objects) => `[${objects.join(' , ')}]`) },
  { weight: 2, arbitrary: objectWith('value', value) },
  { weight: 1, arbitrary: usually(value, badValue) },
  { weight: 1, arbitrary: fc.anything().map((anything) => JSON.stringify(anything) ?? '') },
)
const topic = fc.constantFrom('telemetry/s/d', 'telemetry/s/e', 'telemetry/s/d/temperature', 'telemetry/s/d/a')

/** Bytes as they were meant, cut off, with some of them changed, or random. */
const body = fc.oneof(
  { weight: 6, arbitrary: payload.map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.tuple(payload, fc.nat(200)).map(([text, end]) => Buffer.from(text).subarray(0, end)) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        payload,
        fc.array(fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('{}[]",:0-.e \\'))))),
      )
      .map(([text, changes]) => {
        const bytes = Buffer.from(text)
        for (const [at, byte] of changes.slice(0, 3)) if (bytes.length > 0) bytes[at % bytes.length] = byte
        return bytes
      }),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
)

const input: fc.Arbitrary<TestInput> = fc
  .tuple(topic, body, fc.constantFrom(0 as const, 1 as const), usually(fc.constant(false), fc.constant(true)))
  .map(([name, bytes, qos, retain]) => [name, bytes, { qos, retain }])

function without<T extends { scanned: number }>({ scanned: _scanned, ...rest }: T): Omit<T, 'scanned'> {
  return rest
}

describe('the scanner', () => {
  it('gives what the contract gives, on valid, changed, truncated and hostile bytes', () => {
    fc.assert(
      fc.property(fc.array(input, { minLength: 1, maxLength: 8 }), (inputs) => {
        // Twice, so that names have been met and the scanner has its say.
        const twice = [...inputs, ...inputs]
        expect(without(decodeAll(twice))).toEqual(without(decodeAll(twice, { scans: false })))
      }),
      { numRuns: 1_500 },
    )
  })

  it('gives what the contract gives where messages differ in their numbers alone', () => {
    const layouts = [
      (t: string, s: string, v: string) => `{"ts":${t},"seq":${s},"boot":"a1","readings":{"a":${v},"b":${v}}}`,
      (t: string, s: string, v: string) => ` {"readings" : {"b":${v} } , "seq":${s},"ts":${t}} `,
      (_t: string, s: string, v: string) => `{"readings":{"a":${v}},"boot":"a2","seq":${s}}`,
    ]
    const tokens = fc.tuple(usually(time, badValue), usually(seq, badValue), usually(value, badValue))
    fc.assert(
      fc.property(fc.constantFrom(...layouts), fc.array(tokens, { maxLength: 30 }), (layout, rows) => {
        const start = layout('1763640000123', '1', '2.5')
        const inputs = [start, start, ...rows.map((row) => layout(...row))].map(
          (text): TestInput => ['telemetry/s/d', text],
        )
        expect(without(decodeAll(inputs))).toEqual(without(decodeAll(inputs, { scans: false })))
      }),
      { numRuns: 500 },
    )
  })

  it('gives what the contract gives where a message is longer than any skeleton, or ends before its own', () => {
    const padded = (spaces: number, end: string) => `{"readings":{"a":1${' '.repeat(spaces)}}${end}`
    const texts = [10, 10, 10, 4_000, 4_000, 4_060, 4_070, 4_071, 4_072, 4_073, 4_074, 5_000, 5_000, 10].flatMap(
      (spaces) => [padded(spaces, '}'), padded(spaces, ''), padded(spaces, '}}'), padded(spaces, '}\0')],
    )
    const inputs = texts.map((text): TestInput => ['telemetry/s/d', text])
    expect(without(decodeAll(inputs))).toEqual(without(decodeAll(inputs, { scans: false })))
  })

  it('leaves to the contract what JSON would read in another way: a key that is there twice', () => {
    const twice = [
      '{"ts":1763640000123,"readings":{"a":1},"readings":{"b":2}}',
      '{"ts":1763640000123,"ts":1763640000124,"readings":{"a":1}}',
      '{"seq":1,"readings":{"a":1},"seq":2}',
      '{"readings":{"a":1,"a":2}}',
    ].flatMap((text): TestInput[] => Array.from({ length: 4 }, () => ['telemetry/s/d', text]))
    const met: TestInput[] = [['telemetry/s/d', '{"seq":0,"readings":{"a":1,"b":2}}']]
    const inputs = [...met, ...twice, ...met]
    expect(without(decodeAll(inputs))).toEqual(without(decodeAll(inputs, { scans: false })))
  })

  it('counts what it takes, and nothing of a message that it leaves half way', () => {
    fc.assert(
      fc.property(fc.array(input, { minLength: 1, maxLength: 8 }), (inputs) => {
        const { readings, taken } = decodeAll([...inputs, ...inputs])
        const counts = Map.groupBy(readings, ({ series }) => series.slice(0, series.lastIndexOf('/')))
        const expected = [...counts].map(([device, some]) => ({ device, count: some.length }))
        expect(new Set(taken.filter(({ count }) => count > 0))).toEqual(new Set(expected))
      }),
      { numRuns: 500 },
    )
  })

  it('takes every plain message once its names have been met', () => {
    const plain: TestInput[] = [
      ['telemetry/s/d', '{"ts":1763640000123,"seq":42,"boot":"a1","readings":{"temperature":21.4,"humidity":40.1}}'],
      ['telemetry/s/d', '{"readings":{"humidity":-1e-3,"temperature":true},"ts":"2025-11-20T12:00:00.000Z"}'],
      ['telemetry/s/d', ' [ {"readings":{}} , {"seq":0,"readings":{"humidity":123456789.123456789}} ] '],
      ['telemetry/s/d/temperature', '{"value":1,"ts":1763640000}'],
      ['telemetry/s/d/temperature', ' 20.25\n'],
    ]
    const first = decodeAll(plain).scanned
    expect(decodeAll([...plain, ...plain]).scanned - first).toBe(plain.length)
  })
})
