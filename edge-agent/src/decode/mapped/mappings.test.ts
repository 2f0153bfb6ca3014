import { checkConfig, UsageError } from '@millrace/pipeline'
import { qos0, unstamped } from '@millrace/windows'
import { describe, expect, it } from 'vitest'
import { decoders } from '../index.ts'
import { decodeFormats, readingLines, type TestInput } from '../testing.ts'

const mapped = (...mappings: object[]) => [{ type: 'mapped', mappings }]
const decode = (mapping: object, ...inputs: TestInput[]) => decodeFormats(mapped(mapping), inputs)
const reasons = ({ deadLetters }: Awaited<ReturnType<typeof decodeFormats>>) =>
  deadLetters.map(({ reason, count, site, device }) => [reason, count, site, device])

function problemsOf(format: object): string[] {
  try {
    checkConfig(format, decoders.schema, 'the test')
    return []
  } catch (error) {
    if (error instanceof UsageError) return error.problems.map(({ path, expected }) => `${path}: ${expected}`)
    throw error
  }
}

describe('a mapping', () => {
  it('takes the first that matches, site and device from captures or fixed', async () => {
    const decoded = await decodeFormats(
      mapped(
        { topic: 'works/{site}/line-{device}/out', metrics: [{ at: '/t', name: 'temperature' }] },
        { topic: 'works/#', device: 'the rest', site: 'yard' },
      ),
      [
        ['works/east/line-7/out', '{"t":1,"x":2}'],
        ['works/else', '{"x":3}'],
        ['works', '{"x":4}'],
      ],
    )
    expect(readingLines(decoded)).toEqual(['east/7/temperature 1 °C', 'yard/the-rest/x 3', 'yard/the-rest/x 4'])
  })

  it('scales, offsets, names by globs, reads words, and gives units and kinds of its own', async () => {
    const decoded = await decode(
      {
        topic: 'plc/{device}',
        words: { RUN: 1, HALT: 0 },
        skip: ['/meta/**'],
        metrics: [
          { at: '/channel*/raw', name: 'level-{1}', unit: 'mm', scale: 0.1, offset: -5 },
          { at: '/mode', name: 'running', kind: 'state' },
          { at: '/total', name: 'litres', unit: 'l', kind: 'counter' },
          { at: '/list/1', name: 'second' },
        ],
      },
      [
        'plc/a',
        '{"channel1":{"raw":120},"channel2":{"raw":3},"mode":"run","total":7,"list":[1,2],"meta":{"x":1},"more":9}',
      ],
    )
    expect(readingLines(decoded)).toEqual([
      'hall/a/level-1 7 mm',
      'hall/a/level-2 -4.7 mm',
      'hall/a/running 1',
      'hall/a/litres 7 l',
      'hall/a/second 2',
    ])
    const { names } = decoded
    expect(
      ['level-1', 'running', 'litres'].map(
        (name) => names.quantities.get(names.allSeries.indexOf(`hall/a/${name}`))?.kind,
      ),
    ).toEqual(['gauge', 'state', 'counter'])
  })

  it('sets a bad value aside alone, and takes null for no value', async () => {
    const metrics = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ at: `/${name}`, name }))
    const decoded = await decode({ topic: 'x/{device}', metrics }, [
      'x/1',
      '{"a":1,"b":"high","c":null,"d":1e101,"e":"2.5"}',
    ])
    expect(readingLines(decoded)).toEqual(['hall/1/a 1', 'hall/1/e 2.5'])
    expect(decoded.invalid).toEqual([{ device: 'hall/1', reason: 'bad-value', count: 2 }])
    expect(reasons(decoded)).toEqual([['bad-value', 2, 'hall', '1']])
  })

  it('reads times in s, ms, ISO and local form, and sets readings with none aside', async () => {
    const at = async (time: object, value: unknown) => {
      const decoded = await decode({ topic: 'x/{device}', time: { at: '/t', ...time } }, [
        'x/1',
        JSON.stringify({ t: value, v: 1 }),
      ])
      return decoded.readings[0]?.ts ?? reasons(decoded)[0]?.[0]
    }
    const ms = Date.UTC(2026, 10, 20, 12)
    expect(await at({ format: 's' }, ms / 1000)).toBe(ms)
    expect(await at({ format: 's' }, `${ms / 1000}`)).toBe(ms)
    expect(await at({ format: 'ms' }, ms)).toBe(ms)
    expect(await at({ format: 'iso' }, '2026-11-20T12:00:00Z')).toBe(ms)
    expect(await at({}, ms / 1000)).toBe(ms)
    expect(await at({ format: 'local', zone: 'Asia/Kolkata' }, '2026-11-20 17:30:00.25')).toBe(ms + 250)
    expect(await at({ format: 'local', zone: 'Europe/Berlin' }, '2026-03-29T02:30:00')).toBe('bad-time')
    expect(await at({ format: 'local', zone: 'UTC' }, '2026-02-30T02:30:00')).toBe('bad-time')
    expect(await at({ format: 's' }, 'yesterday')).toBe('bad-time')
    expect(await at({ format: 's', otherwise: 'arrival' }, 'yesterday')).toBe(1000)
    expect(await at({ format: 's' }, undefined)).toBe(1000)
  })

  it('records a message whose time is none, and flags what arrival stamps and nobody repeats', async () => {
    const mapping = { topic: 'x/{device}', time: { at: '/t' } }
    const decoded = await decode(mapping, ['x/1', '{"t":"no","v":1}'], ['x/1', '{"v":2}', { qos: 0 }])
    expect(decoded.messages.map(({ device, flags }) => [device, flags])).toEqual([
      ['hall/1', unstamped],
      ['hall/1', unstamped | qos0],
    ])
  })

  it('counts a message that a broker had kept only where it carries its own time', async () => {
    const mapping = { topic: 'x/{device}', time: { at: '/t' } }
    const kept = { retain: true }
    const decoded = await decode(
      mapping,
      ['x/1', '{"v":1}', kept],
      ['x/1', '{"v":2,"t":1763640000}', kept],
      ['x/1', '{', kept],
      ['x/1', ''],
    )
    expect([readingLines(decoded), decoded.deadLetters, decoded.decoder.ignored]).toEqual([['hall/1/v 2'], [], 3])
  })

  it('sets undecodable bytes aside once, with the device that sent them', async () => {
    const decoded = await decode(
      { topic: 'x/{device}' },
      ['x/1', '{"v":'],
      ['x/1', Buffer.from([0x22, 0xff, 0x22])],
      ['x/1', '['.repeat(40)],
    )
    expect(reasons(decoded)).toEqual([
      ['bad-json', 1, 'hall', '1'],
      ['bad-utf8', 1, 'hall', '1'],
      ['too-deep', 1, 'hall', '1'],
    ])
  })

  it('sets more members than a message may have aside, all of them', async () => {
    const many = Object.fromEntries(Array.from({ length: 257 }, (_, at) => [`m${at}`, at]))
    const decoded = await decode({ topic: 'x/{device}' }, ['x/1', JSON.stringify(many)])
    expect([decoded.readings, reasons(decoded)]).toEqual([[], [['too-many-metrics', 257, 'hall', '1']]])
  })

  it('sets aside what would give a metric of the catalogue another unit', async () => {
    const decoded = await decode({ topic: 'x/{device}', metrics: [{ at: '/*', unit: '°F' }] }, [
      'x/1',
      '{"temperature":70,"inside":71}',
    ])
    expect([readingLines(decoded), reasons(decoded)]).toEqual([['hall/1/inside 71 °F'], [['bad-unit', 1, 'hall', '1']]])
  })

  it('is not kept busy by members and topics of hostile length', async () => {
    const long = 'ab'.repeat(100_000)
    const mapping = { topic: '{site}/{device...}', metrics: [{ at: '/*a*c', name: '{1}' }, { at: '/**' }] }
    const decoded = await decode(mapping, ['x/1', JSON.stringify({ [long]: 1, xabc: 2 })], [`x/${long}`, '{"v":1}'])
    expect(readingLines(decoded)).toEqual(['x/1/x 2'])
    expect(reasons(decoded)).toEqual([
      ['bad-name', 1, 'x', '1'],
      ['bad-name', 1, undefined, undefined],
    ])
  })

  it('sets aside what has no room in the dictionary', async () => {
    const decoded = await decodeFormats(
      mapped({ topic: 'x/{device}' }),
      [
        ['x/1', '{"a":1,"b":2}'],
        ['x/2', '{"a":1}'],
      ],
      { maxSeries: 1, maxDevices: 1 },
    )
    expect(readingLines(decoded)).toEqual(['hall/1/a 1'])
    expect(reasons(decoded)).toEqual([
      ['too-many-series', 1, 'hall', '1'],
      ['too-many-series', 1, 'hall', '2'],
    ])
  })
})

describe('names', () => {
  it('are made valid by one rule, or are said in the config', async () => {
    const decoded = await decodeFormats(
      [{ type: 'mapped', names: { 'Hütte 7': 'cabin-7' }, mappings: [{ topic: 'x/{device...}' }] }],
      ['Büro 2', 'kitchen/floor light', '0x00158d', 'switch:0', 'Hütte 7', '-a-'].map((name) => [
        `x/${name}`,
        '{"PM 2.5":1}',
      ]),
    )
    expect(readingLines(decoded)).toEqual(
      ['Buro-2', 'kitchen.floor-light', '0x00158d', 'switch:0', 'cabin-7', '-a-'].map(
        (name) => `hall/${name}/PM-2.5 1`,
      ),
    )
  })

  it('that cannot be made valid are set aside, and so is the second of two that come out the same', async () => {
    const decoded = await decode(
      { topic: 'x/{device}' },
      ['x/温度', '{"a":1}'],
      ['x/a b', '{"a":1}'],
      ['x/a+b', '{"a":1}'],
      ['x/c', '{"湿度":1,"d e":2,"d-e":3}'],
    )
    expect(readingLines(decoded)).toEqual(['hall/a-b/a 1', 'hall/c/d-e 2'])
    expect(reasons(decoded)).toEqual([
      ['bad-name', 1, undefined, undefined],
      ['bad-name', 1, undefined, undefined],
      ['bad-name', 2, 'hall', 'c'],
    ])
  })
})

describe('several decoders', () => {
  it('share an agent by topic: telemetry stays with the contract, and what nobody wants is refused as before', async () => {
    const formats = [
      ...mapped({ topic: '{site}/{device}/data' }),
      { type: 'mapped', preset: 'tasmota' },
      { type: 'senml' },
    ]
    const decoded = await decodeFormats(formats, [
      ['telemetry/lab/data', '{"readings":{"a":1}}'],
      ['lab/kiln/data', '{"a":2}'],
      ['tele/plug/SENSOR', '{"SHT3X":{"Humidity":3}}'],
      ['senml/x', '[{"n":"dev/a","v":4}]'],
      ['nobody/knows', '{"a":5}'],
    ])
    expect(readingLines(decoded)).toEqual([
      'lab/data/a 1',
      'lab/kiln/a 2',
      'hall/plug/SHT3X.humidity 3 %',
      'hall/dev/a 4',
    ])
    expect(reasons(decoded)).toEqual([['bad-topic', 1, undefined, undefined]])
  })

  it('want each topic once, and none that is only ignored', async () => {
    const formats = [
      ...mapped({ topic: 'tele/#' }, { topic: 'a/{x}/c', ignore: true }),
      { type: 'mapped', preset: 'tasmota' },
      { type: 'mapped', preset: 'zigbee2mqtt' },
    ]
    const { decoder } = await decodeFormats(formats, [])
    expect(decoder.filters).toEqual(['tele/#', 'zigbee2mqtt/#'])
  })

  it('let a device publish on its own topics, and anyone where nothing is read', async () => {
    const { decoder } = await decodeFormats(
      [
        { type: 'mapped', preset: 'tasmota' },
        { type: 'senml', topics: ['senml/{device}'] },
      ],
      [],
    )
    expect(decoder.allows('plug', 'tele/plug/SENSOR')).toBe(true)
    expect(decoder.allows('plug', 'tele/other/SENSOR')).toBe(false)
    expect(decoder.allows('plug', 'tasmota/discovery/DC4F/config')).toBe(true)
    expect(decoder.allows('plug', 'senml/plug')).toBe(true)
    expect(decoder.allows('plug', 'senml/other')).toBe(false)
    expect(decoder.allows('plug', 'telemetry/lab/other')).toBe(false)
  })
})

it('a config is refused that could not work, with what is allowed', () => {
  const metric = (rest: object) => ({ type: 'mapped', mappings: [{ topic: 'a/{device}', metrics: [rest] }] })
  const topic = (text: string) => ({ type: 'mapped', mappings: [{ topic: text }] })
  const refused = [
    topic('telemetry/{site}/{device}'),
    topic('a/{b}{c}'),
    topic('a/#/b'),
    topic('{a...}/{b...}'),
    topic('a/{b}/{b}'),
    metric({ at: 'temperature' }),
    metric({ at: '/**/x' }),
    metric({ at: '/t', name: 'temperature', unit: '°F' }),
    metric({ at: '/temperature', unit: '°F' }),
    { type: 'mapped', mappings: [{ topic: 'a', time: { at: '/t', format: 'local' } }] },
    { type: 'mapped', preset: 'tasmota', zone: 'Mars/Olympus' },
    { type: 'mapped', preset: 'tasmata' },
    { type: 'senml', topics: [] },
  ]
  for (const format of refused) expect(problemsOf(format), JSON.stringify(format)).toHaveLength(1)
  expect(problemsOf(refused[7]!)[0]).toContain('use scale and offset')
})

it('a mapped decoder without preset and mappings is refused', async () => {
  await expect(decodeFormats([{ type: 'mapped' }], [])).rejects.toThrow(UsageError)
})
