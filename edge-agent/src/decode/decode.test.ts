import { maxMessageBytes } from '@millrace/contracts'
import { describe, expect, it } from 'vitest'
import { decodeAll } from './testing.ts'

const t = 1_763_640_000_123

describe('device messages', () => {
  it('become columns with their event time, sequence and boot', () => {
    const { readings, messages, deadLetters } = decodeAll([
      ['telemetry/s/d', `{"ts":${t},"seq":42,"boot":"a1","readings":{"temperature":21.4,"humidity":40.1}}`],
    ])
    expect(readings).toEqual([
      { series: 's/d/temperature', ts: t, seq: 42, boot: 'a1', value: 21.4, flags: 0 },
      { series: 's/d/humidity', ts: t, seq: 42, boot: 'a1', value: 40.1, flags: 0 },
    ])
    expect(messages).toEqual([{ device: 's/d', ts: t, seq: 42, boot: 'a1', flags: 0 }])
    expect(deadLetters).toEqual([])
  })

  it('may be arrays, each object with its own envelope or none', () => {
    const { readings } = decodeAll([['telemetry/s/d', `[{"ts":${t},"seq":1,"readings":{"a":1}},{"readings":{"a":2}}]`]])
    expect(readings.map(({ ts, seq, flags }) => [ts, seq, flags])).toEqual([
      [t, 1, 0],
      [1000, null, 1],
    ])
  })

  it('may be a value or an object per metric; true and false are 1 and 0', () => {
    const { readings } = decodeAll([
      ['telemetry/s/d/door', 'true'],
      ['telemetry/s/d/door', 'false'],
      ['telemetry/s/d/temp', ' -3.5 '],
      ['telemetry/s/d/temp', `{"value":7,"seq":0,"ts":"2025-11-20T12:00:00Z"}`],
    ])
    expect(readings.map(({ value }) => value)).toEqual([1, 0, -3.5, 7])
    expect(readings[3]).toMatchObject({ ts: Date.UTC(2025, 10, 20, 12), seq: 0, flags: 0 })
  })

  it('may give the time as ms, seconds or ISO 8601 with a zone', () => {
    const times = ['1763640000', '1763640000.5', '"2025-11-20T12:00:00.250Z"', '"2025-11-20T13:00:00+01:00"']
    const { readings } = decodeAll(times.map((ts) => ['telemetry/s/d', `{"ts":${ts},"readings":{"a":1}}`]))
    expect(readings.map(({ ts }) => ts - Date.UTC(2025, 10, 20, 12))).toEqual([0, 500, 250, 0])
  })

  it('mark readings of QoS 0', () => {
    const { readings } = decodeAll([['telemetry/s/d/a', '1', { qos: 0 }]])
    expect(readings[0]!.flags).toBe(3)
  })

  it('take the last of two equal keys, as JSON.parse does', () => {
    const { readings } = decodeAll([['telemetry/s/d', '{"readings":{"a":1,"a":2},"seq":1,"seq":2}']])
    expect(readings.map(({ value, seq }) => [value, seq])).toEqual([[2, 2]])
  })

  it('turn minus zero into zero, so that equal values have equal bytes', () => {
    const { readings } = decodeAll([
      ['telemetry/s/d/a', '-0'],
      ['telemetry/s/d/a', '-0.0'],
    ])
    expect(readings.every(({ value }) => Object.is(value, 0))).toBe(true)
  })

  it('ignore keys the contract does not know', () => {
    const { readings, deadLetters } = decodeAll([['telemetry/s/d', '{"x":{"y":[1]},"readings":{"a":1}}']])
    expect([readings.length, deadLetters.length]).toEqual([1, 0])
  })

  it('delivered again as retained count only with a time of their own', () => {
    const retain = { retain: true }
    const { readings, deadLetters } = decodeAll([
      ['telemetry/s/d/a', '1', retain],
      ['telemetry/s/d/a', 'rubbish', retain],
      ['telemetry/s/d', `[{"ts":${t},"readings":{"a":2}},{"readings":{"a":3}}]`, retain],
    ])
    expect(readings.map(({ value }) => value)).toEqual([2])
    expect(deadLetters).toEqual([])
  })
})

/** Topic, payload, expected reasons with counts, expected number of good readings. */
type Refusal = [string, string | Uint8Array, Record<string, number>, number]
const metrics = (count: number): string => Array.from({ length: count }, (_, n) => `"m${n}":${n}`).join()
const refusals: Refusal[] = [
  ['telemetry/s/d', '{"readings":{"a":null,"b":"x","c":1,"d":[1],"e":{"f":1}}}', { 'bad-value': 4 }, 1],
  ['telemetry/s/d', '{"readings":{"a":1e999,"b":1e101,"c":-1e308,"d":1e100}}', { 'bad-value': 3 }, 1],
  ['telemetry/s/d', '{"readings":{"__proto__":1,"a b":2,"ä":3,"constructor":4}}', { 'bad-name': 3 }, 1],
  ['telemetry/s/d', '{"__proto__":{"readings":{"a":1}}}', { 'bad-shape': 1 }, 0],
  ['telemetry/s/d', '{"ts":"soon","readings":{"a":1,"b":2}}', { 'bad-time': 2 }, 0],
  ['telemetry/s/d', '{"ts":null,"readings":{"a":1}}', { 'bad-time': 1 }, 0],
  ['telemetry/s/d', '{"ts":1e999,"readings":{"a":1}}', { 'bad-time': 1 }, 0],
  ['telemetry/s/d', '{"ts":"2025-11-20T12:00:00","readings":{"a":1}}', { 'bad-time': 1 }, 0],
  ['telemetry/s/d', '{"ts":"2025-02-30T12:00:00Z","readings":{"a":1}}', { 'bad-time': 1 }, 0],
  ['telemetry/s/d', '{"ts":946684799,"readings":{"a":1}}', { 'bad-time': 1 }, 0],
  ['telemetry/s/d', '{"ts":4102444800000,"readings":{"a":1}}', { 'bad-time': 1 }, 0],
  ['telemetry/s/d', '{"seq":-1,"readings":{"a":1,"b":1}}', { 'bad-shape': 2 }, 0],
  ['telemetry/s/d', '{"seq":1.5,"readings":{"a":1}}', { 'bad-shape': 1 }, 0],
  ['telemetry/s/d', '{"seq":9007199254740992,"readings":{"a":1}}', { 'bad-shape': 1 }, 0],
  ['telemetry/s/d', '{"boot":"","readings":{"a":1}}', { 'bad-name': 1 }, 0],
  [
    'telemetry/s/d',
    '[{"readings":{"a":1}},7,{"readings":[1]},{"ts":0,"readings":{"b":1}}]',
    { 'bad-shape': 2, 'bad-time': 1 },
    1,
  ],
  ['telemetry/s/d', `{"readings":{${metrics(257)}}}`, { 'too-many-metrics': 257 }, 0],
  ['telemetry/s/d', `{"readings":{${metrics(1000)}}}`, { 'too-many-metrics': 1000 }, 0],
  [
    'telemetry/s/d',
    `[${Array(5)
      .fill(`{"readings":{${metrics(201)}}}`)
      .join()}]`,
    { 'too-many-readings': 1005 },
    0,
  ],
  ['telemetry/s/d', `${'['.repeat(100_000)}`, { 'too-deep': 1 }, 0],
  ['telemetry/s/d', `{"readings":{"a":${'{"a":'.repeat(5000)}1${'}'.repeat(5002)}`, { 'too-deep': 1 }, 0],
  ['telemetry/s/d', '{"readings":{"a":1}', { 'bad-json': 1 }, 0],
  ['telemetry/s/d', '{"readings":{"a":NaN}}', { 'bad-json': 1 }, 0],
  ['telemetry/s/d', '{"readings":{"a":01}}', { 'bad-json': 1 }, 0],
  ['telemetry/s/d', '{"readings":{"a":1,}}', { 'bad-json': 1 }, 0],
  ['telemetry/s/d', '', { 'bad-json': 1 }, 0],
  ['telemetry/s/d', '\uFEFF{"readings":{"a":1}}', { 'bad-json': 1 }, 0],
  ['telemetry/s/d', '7', { 'bad-shape': 1 }, 0],
  ['telemetry/s/d', '{}', { 'bad-shape': 1 }, 0],
  ['telemetry/s/d', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), { 'bad-utf8': 1 }, 0],
  ['telemetry/s/d', Buffer.alloc(maxMessageBytes + 1, 0x20), { 'too-large': 1 }, 0],
  ['telemetry/s/d/m', 'null', { 'bad-value': 1 }, 0],
  ['telemetry/s/d/m', '"on"', { 'bad-value': 1 }, 0],
  ['telemetry/s/d/m', '[1]', { 'bad-shape': 1 }, 0],
  ['telemetry/s/d/m', '{"ts":1763640000}', { 'bad-value': 1 }, 0],
  ['telemetry/s/d/m', '1e308', { 'bad-value': 1 }, 0],
  ['telemetry/s/d/__proto__', '1', { 'bad-name': 1 }, 0],
  ['telemetry/s/d/m/x', '1', { 'bad-topic': 1 }, 0],
  ['telemetry/s', '1', { 'bad-topic': 1 }, 0],
  ['telemetry/a b/d', '1', { 'bad-name': 1 }, 0],
  ['home/s/d', '1', { 'bad-topic': 1 }, 0],
]

describe('what is set aside', () => {
  it.each(refusals)('%s %.60s', (...[topic, payload, reasons, good]) => {
    const { readings, deadLetters, invalid } = decodeAll([[topic, payload]])
    expect(Object.fromEntries(deadLetters.map(({ reason, count }) => [reason, count]))).toEqual(reasons)
    expect(Object.fromEntries(invalid.map(({ reason, count }) => [reason, count]))).toEqual(reasons)
    expect(readings.length).toBe(good)
  })

  it('is recorded as a message where its seq can be read, so that it leaves no gap', () => {
    const { messages } = decodeAll([
      ['telemetry/s/d', '{"seq":5,"ts":"soon","readings":{"a":1}}'],
      ['telemetry/s/d', '{"seq":6,"readings":{"a":"x"}}'],
      ['telemetry/s/d', '{"seq":7}'],
      ['telemetry/s/d', '{"seq":"x","readings":{"a":1}}'],
    ])
    expect(messages.map(({ seq }) => seq)).toEqual([5, 6, 7])
  })

  it('is counted for the device where its name is usable, else for device 0', () => {
    const { invalid } = decodeAll([
      ['telemetry/s/d', '{'],
      ['home/x', '1'],
      ['telemetry/s/d', '{'],
    ])
    expect(invalid.map(({ device, count }) => [device, count])).toEqual([
      ['s/d', 2],
      ['-', 1],
    ])
  })

  it('is each reading of a series or device for which there is no room', () => {
    const { readings, deadLetters } = decodeAll(
      [
        ['telemetry/s/d', '{"readings":{"a":1,"b":2,"c":3}}'],
        ['telemetry/s/d', '{"readings":{"a":1,"b":2,"c":3}}'],
        ['telemetry/s/e', '{"readings":{"a":1,"b":2}}'],
      ],
      { maxSeries: 2, maxDevices: 1 },
    )
    expect(readings.length).toBe(4)
    expect(deadLetters.map(({ reason, count }) => [reason, count])).toEqual([
      ['too-many-series', 1],
      ['too-many-series', 1],
      ['too-many-series', 2],
    ])
  })
})
