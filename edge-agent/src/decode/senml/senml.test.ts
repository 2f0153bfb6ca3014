import { unstamped } from '@millrace/windows'
import { describe, expect, it } from 'vitest'
import { decodeFormats, readingLines, type TestInput } from '../testing.ts'

const decode = (pack: unknown, rest: TestInput[2] = {}) =>
  decodeFormats([{ type: 'senml' }], [['senml/up', JSON.stringify(pack), rest]])
const reasons = ({ deadLetters }: Awaited<ReturnType<typeof decodeFormats>>) =>
  deadLetters.map(({ reason, count, device }) => [reason, count, device])

// The shapes of RFC 8428, section 5.1, with values of our own.
describe('a pack', () => {
  it('of one record whose name is the device measures what its unit tells', async () => {
    const decoded = await decode([{ n: 'urn:dev:ow:10e2073a01080063', u: 'Cel', v: 23.1 }])
    expect(readingLines(decoded)).toEqual(['hall/urn:dev:ow:10e2073a01080063/temperature 23.1 °C'])
    expect(decoded.readings[0]).toMatchObject({ ts: 1000, flags: unstamped })
  })

  it('shares base name, time and unit, with times relative to the base', async () => {
    const decoded = await decode([
      { bn: 'urn:dev:ow:10e2073a0108006:', bt: 1.276020076001e9, bu: 'A', bver: 5, n: 'voltage', u: 'V', v: 120.1 },
      { n: 'current', t: -5, v: 1.2 },
      { n: 'current', v: 1.7 },
    ])
    expect(readingLines(decoded)).toEqual([
      'hall/urn:dev:ow:10e2073a0108006/voltage 120.1 V',
      'hall/urn:dev:ow:10e2073a0108006/current 1.2 A',
      'hall/urn:dev:ow:10e2073a0108006/current 1.7 A',
    ])
    expect(decoded.readings.map(({ ts }) => ts)).toEqual([1276020076001, 1276020071001, 1276020076001])
  })

  it('counts times below 2^28 from arrival', async () => {
    const decoded = await decode([
      { bn: 'dev/', n: 'a', v: 1, t: -60 },
      { n: 'a', v: 2 },
      { n: 'a', v: 3, t: 2 ** 28 },
    ])
    expect(decoded.readings.map(({ ts, flags }) => [ts, flags])).toEqual([
      [1000 - 60_000, unstamped],
      [1000, unstamped],
    ])
    expect(reasons(decoded)).toEqual([['bad-time', 1, 'dev']])
  })

  it('adds base values and sums, takes booleans, and makes a series of its own of a sum', async () => {
    const decoded = await decode([
      { bn: 'meter/', bv: 20, bs: 100 },
      { n: 'power', u: 'W', v: 1.5, s: 5 },
      { bv: 0, bs: 0, n: 'open', vb: true },
    ])
    expect(readingLines(decoded)).toEqual([
      'hall/meter/power 21.5 W',
      'hall/meter/power.sum 105 W·s',
      'hall/meter/open 1',
      'hall/meter/open.sum 0',
    ])
  })

  it('sets bad records aside alone', async () => {
    const decoded = await decode([
      { bn: 'dev/', n: 'a', v: 1 },
      { n: 'text', vs: 'here' },
      { n: 'data', vd: 'aGkgCg' },
      { n: 'two', v: 1, vb: true },
      { n: 'sp ace', v: 1 },
      { n: 'none' },
      7,
      { n: 'b', v: 2 },
    ])
    expect(readingLines(decoded)).toEqual(['hall/dev/a 1', 'hall/dev/b 2'])
    expect(decoded.invalid).toEqual([
      { device: '-', reason: 'bad-value', count: 3 },
      { device: '-', reason: 'bad-shape', count: 2 },
      { device: '-', reason: 'bad-name', count: 1 },
    ])
  })

  it('with a broken base is not guessed at from there on', async () => {
    const decoded = await decode([
      { bn: 'dev/', n: 'a', v: 1 },
      { bt: 'soon', n: 'a', v: 2 },
      { n: 'a', v: 3 },
    ])
    expect(decoded.readings).toHaveLength(1)
    expect(reasons(decoded)).toEqual([['bad-shape', 2, undefined]])
  })

  it('of a version or with a label that must be understood is refused whole', async () => {
    expect(
      reasons(
        await decode([
          { bver: 11, n: 'dev/a', v: 1 },
          { n: 'dev/b', v: 2 },
        ]),
      ),
    ).toEqual([['bad-shape', 2, undefined]])
    expect(reasons(await decode([{ n: 'dev/a', v: 1, secret_: 1 }]))).toEqual([['bad-shape', 1, undefined]])
    expect(reasons(await decode({ n: 'dev/a', v: 1 }))).toEqual([['bad-shape', 1, undefined]])
    const many = Array.from({ length: 1001 }, () => ({ n: 'dev/a', v: 1 }))
    expect(reasons(await decode(many))).toEqual([['too-many-readings', 1001, undefined]])
  })

  it('that a broker had kept counts only where it tells the time', async () => {
    const decoded = await decode(
      [
        { bn: 'dev/', n: 'a', v: 1 },
        { n: 'b', v: 2, t: 1.7e9 },
        { n: 'c', vs: 'x' },
      ],
      { retain: true },
    )
    expect([readingLines(decoded), decoded.deadLetters]).toEqual([['hall/dev/b 2'], []])
  })
})

describe('units', () => {
  it('become those of the catalogue or of the first record, where they measure the same', async () => {
    const decoded = await decode([
      { bn: 'dev/', n: 'temperature', u: 'K', v: 293.15 },
      { n: 'pressure', u: 'Pa', v: 101325 },
      { n: 'humidity', u: '%RH', v: 40 },
      { n: 'energy', u: 'J', v: 7200 },
      { n: 'width', u: 'mm', v: 12 },
      { n: 'width', u: 'm', v: 0.013 },
      { n: 'wind', u: 'beat/min', v: 3 },
    ])
    expect(readingLines(decoded)).toEqual([
      'hall/dev/temperature 20 °C',
      'hall/dev/pressure 1013.25 hPa',
      'hall/dev/humidity 40 %',
      'hall/dev/energy 2 Wh',
      'hall/dev/width 12 mm',
      'hall/dev/width 13 mm',
      'hall/dev/wind 3 beat/min',
    ])
  })

  it('that measure something else are set aside', async () => {
    const decoded = await decode([
      { bn: 'dev/', n: 'a', u: 'V', v: 1 },
      { n: 'a', u: 'lx', v: 2 },
      { n: 'temperature', u: 'Pa', v: 3 },
    ])
    expect([readingLines(decoded), reasons(decoded)]).toEqual([['hall/dev/a 1 V'], [['bad-unit', 2, 'dev']]])
  })
})

describe('device and metric', () => {
  const named = async (record: object, topics?: string[], topic = 'senml/up') => {
    const decoded = await decodeFormats(
      [{ type: 'senml', ...(topics ? { topics } : {}) }],
      [[topic, JSON.stringify([{ v: 1, ...record }])]],
    )
    return readingLines(decoded)[0]?.split(' ')[0]
  }

  it('are base name and name, or one name split, or the topic and the name', async () => {
    expect(await named({ bn: 'dev1/', n: 'sens/temp' })).toBe('hall/dev1/sens.temp')
    expect(await named({ n: 'floor2/dev1/temp' })).toBe('hall/floor2.dev1/temp')
    expect(await named({ n: 'dev1:temp' })).toBe('hall/dev1/temp')
    expect(await named({ bn: 'dev1', u: '%RH', n: '' })).toBe('hall/dev1/humidity')
    expect(await named({ n: 'urn:dev:mac:0024befffe804ff1', u: 'lx' })).toBe('hall/urn:dev:mac:0024befffe804ff1/light')
    expect(await named({ n: 'count' }, ['{site}/senml/{device}'], 'east/senml/gate')).toBe('east/gate/count')
  })
})
