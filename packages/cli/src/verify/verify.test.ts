import type { ApiSummary } from '@millrace/contracts'
import { describe, expect, it } from 'vitest'
import { isClean } from './report.ts'
import { changed, check, fakeStack, line, lines, minute, row, rowsOf, soundRows, t0 } from './testing.ts'
import { verify } from './verify.ts'

describe('a sound store', () => {
  it('is clean, and every reading is counted', async () => {
    const report = await check({})
    expect(report).toMatchObject({ sent: 60, stored: 60, missing: 0, doubled: 0, windows: 6, series: 2, notChecked: 0 })
    expect(isClean(report)).toBe(true)
  })

  it('may hold sums that differ by rounding alone', async () => {
    const sum = soundRows().temperature[0]!.sum
    expect(isClean(await check({ rows: changed(0, { sum: sum * (1 + 1e-13) }) }))).toBe(true)
    expect(isClean(await check({ rows: changed(0, { sum: sum * (1 + 1e-11) }) }))).toBe(false)
  })

  it('counts a reading that was sent twice once', async () => {
    const sent = [...lines, ...lines.slice(0, 7)].map((message) => ({ ...message, copies: 2 }))
    const report = await check({ sent })
    expect(isClean(report)).toBe(true)
  })

  it('keeps two boots apart that use the same numbers', async () => {
    const rebooted = lines.map((message, seq) => ({ ...message, boot: seq < 15 ? 'b' : 'c', seq: seq % 15 }))
    expect(isClean(await check({ sent: rebooted }))).toBe(true)
  })
})

describe('a wrong store fails', () => {
  const bad = async (rows: Record<string, ApiSummary[]>) => {
    const report = await check({ rows })
    expect(isClean(report)).toBe(false)
    return report
  }

  it('where a row is missing', async () => {
    const rows = { ...soundRows(), temperature: soundRows().temperature.slice(1) }
    expect(await bad(rows)).toMatchObject({ missing: 10, doubled: 0, wrongWindow: 0 })
  })

  it('where a reading is missing from a row', async () => {
    const rows = {
      ...soundRows(),
      temperature: rowsOf(
        'temperature',
        lines.filter(({ seq }) => seq !== 12),
      ),
    }
    const report = await bad(rows)
    expect(report).toMatchObject({ missing: 1, doubled: 0 })
    expect(report.differences[0]).toMatchObject({ metric: 'temperature', start: t0 + minute, kind: 'missing' })
    expect(report.differences[0]!.fields).toContainEqual({ field: 'count', expected: 10, found: 9 })
  })

  it('where a whole series is missing', async () => {
    expect(await bad({ temperature: soundRows().temperature })).toMatchObject({ missing: 30 })
  })

  it('where a reading is counted twice', async () => {
    const rows = { ...soundRows(), temperature: rowsOf('temperature', [...lines, lines[29]!]) }
    expect(await bad(rows)).toMatchObject({ doubled: 1, missing: 0 })
  })

  it('where a row is there twice', async () => {
    const { temperature, energy } = soundRows()
    expect(await bad({ energy, temperature: [...temperature, { ...temperature[0]! }] })).toMatchObject({ doubled: 10 })
  })

  it('where a row says more than was ever sent', async () => {
    const { temperature, energy } = soundRows()
    const invented = row([[t0 + 9 * minute, 5]])
    expect(await bad({ energy, temperature: [...temperature, invented] })).toMatchObject({ doubled: 1 })
  })

  it('where a reading is in the wrong window', async () => {
    const moved = lines.map((message) => (message.seq === 9 ? { ...message, ts: t0 + minute } : message))
    const rows = { ...soundRows(), temperature: rowsOf('temperature', moved) }
    expect(await bad(rows)).toMatchObject({ wrongWindow: 1, missing: 0, doubled: 0 })
  })

  it('where a whole row is in the wrong window', async () => {
    const start = t0 + 20 * minute
    expect(await bad(changed(1, { start }))).toMatchObject({ wrongWindow: 10, missing: 0, doubled: 0 })
  })

  it('where a row is out of line with the epoch', async () => {
    expect(await bad(changed(1, { start: t0 + minute + 1000 }))).toMatchObject({ wrongWindow: 10 })
  })

  const fields = ['min', 'max', 'mean', 'stddev', 'first', 'firstTs', 'last', 'lastTs', 'p50', 'p95', 'p99'] as const
  it.each(fields)('where %s is off by the least', async (field) => {
    const report = await bad(
      changed(1, { [field]: soundRows().temperature[1]![field] + (field.endsWith('Ts') ? 1 : 1e-6) }),
    )
    expect(report).toMatchObject({ wrongValue: 1, missing: 0, doubled: 0 })
    expect(report.differences[0]!.fields.map((difference) => difference.field)).toEqual([field])
  })

  it('where the growth of a counter ignores its reset', async () => {
    const energy = soundRows().energy.map((found) => ({ ...found, increase: found.last - found.first }))
    expect(await bad({ ...soundRows(), energy })).toMatchObject({ wrongValue: 1 })
  })

  it('where readings pass for ones without a time that nobody sent', async () => {
    expect(await bad(changed(2, { count: 11, unstamped: 1 }))).toMatchObject({ doubled: 1 })
  })
})

describe('messages that were not acknowledged', () => {
  const pending = (seqs: number[]) =>
    lines.map((message) =>
      seqs.includes(message.seq!) ? { ...message, acked: false, msg: 100 + message.seq! } : message,
    )
  const stored = (without: number[]) => soundRows(lines.filter(({ seq }) => !without.includes(seq!)))

  it.each([[[]], [[3]], [[3, 5]], [[25]], [[3, 5, 25]]])('may be stored or not (absent: %j)', async (absent) => {
    expect(isClean(await check({ sent: pending([3, 5, 25]), rows: stored(absent) }))).toBe(true)
  })

  it('do not excuse an acknowledged one', async () => {
    expect(await check({ sent: pending([3, 5]), rows: stored([4]) })).toMatchObject({ wrongValue: 2 })
    expect(await check({ sent: pending([3]), rows: stored([3, 4]) })).toMatchObject({ missing: 2 })
  })

  it('are bounded, and said to be undecided, where they are many', async () => {
    const many = Array.from({ length: 40 }, (_, seq) =>
      line({ ts: t0 + seq * 1000, seq, boot: 'b', readings: { temperature: seq }, acked: false, msg: seq + 1 }),
    )
    const odd = many.filter(({ seq }) => seq! % 2 === 1)
    const report = await check({ sent: many, rows: { temperature: rowsOf('temperature', odd) } })
    expect(report.notCheckedBy).toEqual({ undecided: 1 })
    const wrong = rowsOf('temperature', odd).map((found) => ({ ...found, max: 41 }))
    expect(isClean(await check({ sent: many, rows: { temperature: wrong } }))).toBe(false)
  })

  it('are taken whole: half a message is a difference', async () => {
    const sent = lines.map((message) => (message.seq! < 2 ? { ...message, acked: false, msg: 7 } : message))
    expect(isClean(await check({ sent, rows: stored([0, 1]) }))).toBe(true)
    expect(isClean(await check({ sent, rows: stored([1]) }))).toBe(false)
  })
})

describe('what is not checked is counted', () => {
  it('windows that the agent holds open', async () => {
    const rows = { temperature: soundRows().temperature.slice(0, 2), energy: soundRows().energy.slice(0, 2) }
    const report = await check({ rows, open: [[t0 + 2 * minute, minute]] })
    expect(report).toMatchObject({ notChecked: 2, notCheckedBy: { open: 2 }, missing: 0, windows: 4 })
  })

  it('percentiles of windows with several parts, while the rest of them is checked', async () => {
    expect(await check({ rows: changed(0, { parts: 2, p95: 0 }) })).toMatchObject({ wrongValue: 0, notChecked: 1 })
    expect(await check({ rows: changed(0, { parts: 2, max: 0 }) })).toMatchObject({ wrongValue: 1 })
  })

  it('series that no ledger knows', async () => {
    expect(await check({ extraSeries: ['own'] })).toMatchObject({ notCheckedBy: { 'series outside the ledger': 1 } })
  })

  it('windows that were touched after the ledger was read', async () => {
    const fresh = line({ ts: t0 + 3000, seq: 99, boot: 'b', readings: { temperature: 1 } })
    const later = [...lines, fresh]
    const rows = soundRows([lines[0]!, fresh, ...lines.slice(1)])
    const report = await check({ rows }, { recounts: [lines, later] })
    expect(report).toMatchObject({ notCheckedBy: { touched: 1 }, missing: 0, doubled: 0 })
    expect(isClean(report)).toBe(true)
  })

  it('rows with readings that carried no time, of which the number is still demanded', async () => {
    const sent = [...lines, line({ ts: null, readings: { temperature: 9 } })]
    expect(await check({ sent, rows: changed(2, { count: 11, unstamped: 1 }) })).toMatchObject({
      notChecked: 1,
      missing: 0,
    })
    expect(await check({ sent })).toMatchObject({ missing: 1 })
  })
})

describe('what had to be set aside', () => {
  const sent = [...lines, line({ setAside: { '*': 'bad-json' }, copies: 2 }), line({ setAside: { door: 'bad-value' } })]

  it('is predicted by device and reason', async () => {
    const report = await check({ sent, setAside: { 'bad-json': 2, 'bad-value': 1 } })
    expect(report).toMatchObject({ expectedSetAside: 3, setAside: 3, sent: 62 })
    expect(isClean(report)).toBe(true)
  })

  it('is counted by the agent, of which the ingest hears later', async () => {
    const setAside = { 'bad-json': 2, 'bad-value': 1 }
    expect(isClean(await check({ sent, setAside, reported: {} }))).toBe(true)
    expect(isClean(await check({ sent, setAside, reported: { 'bad-json': 3 }, repeats: 1 }))).toBe(false)
  })

  it('after the ledger was read is told by reading it again, without a wait', async () => {
    const setAside = { 'bad-json': 3, 'bad-value': 1 }
    const more = [...sent, line({ setAside: { '*': 'bad-json' } })]
    const waits: number[] = []
    expect(isClean(await check({ sent, setAside }, { recounts: [sent, more], waits }))).toBe(true)
    expect(waits).toEqual([])
  })

  it('counts as well where the agent has lost its spool since', async () => {
    const counts = { setAside: { 'bad-json': 1 }, earlier: { 'bad-json': 1, 'bad-value': 1 } }
    expect(isClean(await check({ sent, ...counts }))).toBe(true)
  })

  it('is a difference where one has no trace', async () => {
    const report = await check({ sent, setAside: { 'bad-json': 1, 'bad-value': 1 } })
    expect(report.setAsideDifferences).toEqual([{ device: 'a/d', reason: 'bad-json', expected: 2, found: 1 }])
  })

  it('is a difference where there are more, unless messages were repeated', async () => {
    const setAside = { 'bad-json': 3, 'bad-value': 1 }
    expect(isClean(await check({ sent, setAside }))).toBe(false)
    expect(isClean(await check({ sent, setAside, repeats: 1 }))).toBe(true)
  })
})

describe('waiting', () => {
  it('goes on while messages are on their way, and gives up when nothing moves', async () => {
    const rows: Record<string, ApiSummary[]> = { ...soundRows(), temperature: [] }
    const late = fakeLater(rows)
    expect(isClean(await check({ rows, outbox: late }))).toBe(true)
  })

  it('for idle ends with an error where the stack never is', async () => {
    await expect(check({ open: [[t0, minute]] }, { wait: true })).rejects.toThrow('not idle after 60 s')
  })

  it('refuses a recount that breaks off', async () => {
    const broken = verify({
      stack: fakeStack({}),
      async *recount() {
        yield JSON.stringify(lines[0])
      },
      wait: false,
      limitMs: 1,
      progress: () => undefined,
      pause: async () => undefined,
      monotonic: () => 0,
    })
    await expect(broken).rejects.toThrow('broke off')
  })
})

/** An outbox whose third emptying stores the rows. */
function fakeLater(rows: Record<string, ApiSummary[]>): number[] {
  const counts = [3, 3, 2]
  const shift = counts.shift.bind(counts)
  counts.shift = () => {
    if (counts.length === 1) rows.temperature = soundRows().temperature
    return shift()
  }
  return counts
}
