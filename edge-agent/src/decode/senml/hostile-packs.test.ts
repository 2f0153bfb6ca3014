import { describe, expect, it } from 'vitest'
import { decodeFormats, readingLines } from '../testing.ts'

const decode = (...packs: unknown[]) =>
  decodeFormats(
    [{ type: 'senml' }],
    packs.map((pack) => ['senml/up', JSON.stringify(pack)]),
  )
const reasons = ({ deadLetters }: Awaited<ReturnType<typeof decodeFormats>>) =>
  deadLetters.map(({ reason, count, device }) => [reason, count, device])

describe('two names that come out the same', () => {
  it('are never made one metric, in one pack or in two', async () => {
    const decoded = await decode(
      [
        { bn: 'dev/', n: 'a/b', v: 1 },
        { n: 'a.b', v: 2 },
      ],
      [{ bn: 'dev/', n: 'a.b', v: 3 }],
      [{ bn: 'dev:', n: 'a/b', v: 4 }],
    )
    expect(readingLines(decoded)).toEqual(['hall/dev/a.b 1', 'hall/dev/a.b 4'])
    expect(reasons(decoded)).toEqual([
      ['bad-name', 1, 'dev'],
      ['bad-name', 1, 'dev'],
    ])
  })

  it('are never made one device', async () => {
    const decoded = await decode([
      { bn: 'hall/7/', n: 'm', v: 1 },
      { bn: 'hall.7/', n: 'm', v: 2 },
      { bn: 'hall/7:', n: 'm', v: 3 },
    ])
    expect(readingLines(decoded)).toEqual(['hall/hall.7/m 1', 'hall/hall.7/m 3'])
    expect(reasons(decoded)).toEqual([['bad-name', 1, undefined]])
  })

  it('include the series of a sum', async () => {
    const decoded = await decode([
      { bn: 'dev/', n: 't.sum', v: 5 },
      { n: 't', v: 1, s: 3 },
    ])
    expect(readingLines(decoded)).toEqual(['hall/dev/t.sum 5', 'hall/dev/t 1'])
    expect(reasons(decoded)).toEqual([['bad-name', 1, 'dev']])
  })
})

it('a time longer ago than any sender waits is no time, so that none is infinite', async () => {
  const decoded = await decode([
    { bn: 'dev/', n: 'a', v: 1, t: -(2 ** 28) },
    { n: 'a', v: 2, t: -1e308 },
    { n: 'a', v: 3, t: 1 - 2 ** 28 },
  ])
  expect(decoded.readings.map(({ value }) => value)).toEqual([3])
  expect(reasons(decoded)).toEqual([['bad-time', 2, 'dev']])
})

it('a unit too long to be one is not kept', async () => {
  const decoded = await decode([{ n: 'dev/a', u: 'x'.repeat(5000), v: 1 }])
  expect([decoded.readings, reasons(decoded)]).toEqual([[], [['bad-unit', 1, 'dev']]])
})
