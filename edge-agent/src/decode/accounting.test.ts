import fc from 'fast-check'
import { expect, it } from 'vitest'
import { presetNames } from './mapped/presets/index.ts'
import { decodeFormats, type TestInput } from './testing.ts'

const levels = fc.constantFrom(
  'tele',
  'plug',
  'SENSOR',
  'shellies',
  'relay',
  '0',
  'zigbee2mqtt',
  'status',
  'switch:0',
  'senml',
  'sensor',
  'state',
  'Büro',
  '',
  'up',
)
const topic = fc.oneof(
  fc.array(levels, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/')),
  fc.string(),
)
const senmlRecord = fc.record(
  {
    bn: fc.string({ maxLength: 4 }),
    n: fc.string({ maxLength: 4 }),
    v: fc.double(),
    t: fc.double(),
    bt: fc.oneof(fc.double(), fc.string()),
    u: fc.constantFrom('Cel', 'V', ''),
    vb: fc.boolean(),
    vs: fc.string(),
    s: fc.double(),
    bv: fc.double(),
  },
  { requiredKeys: [] },
)
const payload = fc.oneof(
  fc.jsonValue().map((value) => JSON.stringify(value)),
  fc.object({ maxDepth: 4 }).map((value) => JSON.stringify(value) ?? ''),
  fc.array(fc.oneof(senmlRecord, fc.jsonValue()), { maxLength: 6 }).map((value) => JSON.stringify(value)),
  fc.string(),
  fc.uint8Array(),
)
const input = fc.tuple(
  topic,
  payload,
  fc.record({ retain: fc.boolean(), qos: fc.constantFrom(0 as const, 1 as const) }),
)
const everything = {
  type: 'mapped',
  mappings: [{ topic: '{device...}', metrics: [{ at: '', name: 'value' }, { at: '/**' }] }],
}
const formats = [...presetNames.map((preset) => ({ type: 'mapped', preset })), { type: 'senml' }]

const setAside = (found: readonly { count: number }[]) => found.reduce((sum, { count }) => sum + count, 0)

it('no bytes on any topic make a decoder throw, and accounts, dead letters and columns agree', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(input, { maxLength: 8 }), fc.boolean(), async (inputs, all) => {
      const decoded = await decodeFormats(all ? [...formats, everything] : formats, inputs as TestInput[])
      expect(setAside(decoded.invalid)).toBe(setAside(decoded.deadLetters))
      expect(setAside(decoded.taken)).toBe(decoded.readings.length)
      for (const { ts, value, series } of decoded.readings) {
        expect(Number.isFinite(ts) && Math.abs(value) <= 1e100 && series !== '').toBe(true)
      }
    }),
    { numRuns: 300 },
  )
})

const leaf = fc.oneof(fc.double(), fc.boolean(), fc.integer(), fc.constantFrom('ON', 'off', 'word', null))
const flat = fc.dictionary(fc.string({ minLength: 1, maxLength: 6 }), leaf, { maxKeys: 12 })

it('every number, boolean and known word of an object is a reading or is set aside, once', async () => {
  await fc.assert(
    fc.asyncProperty(flat, async (object) => {
      const body = JSON.stringify(object)
      // As it comes out of JSON, which knows no Infinity and no NaN.
      const members = Object.values(JSON.parse(body) as Record<string, unknown>)
      const expected = members.filter((value) => value !== null && value !== 'word').length
      const decoded = await decodeFormats([everything], [['any/topic', body]])
      expect(decoded.readings.length + setAside(decoded.deadLetters)).toBe(expected)
    }),
    { numRuns: 300 },
  )
})

it('every SenML record with a value is a reading or is set aside, once', async () => {
  const record = fc.record(
    {
      n: fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom('a', 'b')),
      v: fc.oneof(fc.double(), fc.string(), fc.integer()),
      t: fc.double(),
      u: fc.constantFrom('Cel', 'K', 'V', 'lx'),
    },
    { requiredKeys: ['n', 'v'] },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 10 }), async (records) => {
      const decoded = await decodeFormats([{ type: 'senml' }], [['senml/x', JSON.stringify(records)]])
      expect(decoded.readings.length + setAside(decoded.deadLetters)).toBe(records.length)
    }),
    { numRuns: 300 },
  )
})
