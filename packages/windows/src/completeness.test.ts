import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anchor, data, hourMs, minuteMs, TestAgent, type TestMessage, t0 } from '../testing/harness.ts'

function agentAt(wallMs = t0 + 2 * hourMs): TestAgent {
  return new TestAgent().apply(anchor(wallMs))
}
/** Messages of device 1 without readings. */
function messages(...rows: Partial<TestMessage>[]) {
  return data([], { messages: rows.map((row) => ({ device: 1, ts: t0, ...row })) })
}
function rowsOf(agent: TestAgent, start = t0) {
  return agent.sentCompleteness.findLast((sent) => sent.start === start)?.rows
}

describe('completeness', () => {
  it('counts distinct messages by boot, with the first and last number', () => {
    const agent = agentAt().apply(messages({ boot: 1, seq: 5 }, { boot: 1, seq: 8 }, { boot: 2, seq: 0 }))
    agent
      .apply(messages({ boot: 1, seq: 5 }))
      .idle(1)
      .checkpoint()
    expect(rowsOf(agent)).toEqual([
      { boot: 1, firstSeq: 5, lastSeq: 8, messages: 2 },
      { boot: 2, firstSeq: 0, lastSeq: 0, messages: 1 },
    ])
  })

  it('without a boot has no numbers once one falls in time, whatever the order of arrival', () => {
    const rising = [0, 1, 2, 3].map((n) => ({ ts: t0 + n, seq: n + 10 }))
    const restarted = [...rising, { ts: t0 + 9, seq: 0 }]
    for (const rows of [restarted, restarted.toReversed()]) {
      const agent = agentAt()
        .apply(messages(...rows, ...rows))
        .idle(1)
        .checkpoint()
      expect(rowsOf(agent)).toEqual([{ boot: 0, firstSeq: null, lastSeq: null, messages: 5 }])
    }
    const agent = agentAt()
      .apply(messages(...rising.toReversed()))
      .idle(1)
      .checkpoint()
    expect(rowsOf(agent)).toEqual([{ boot: 0, firstSeq: 10, lastSeq: 13, messages: 4 }])
  })

  it('notices a silent restart that shows only when a late message comes', () => {
    const agent = agentAt()
      .apply(messages({ ts: t0 + 1, seq: 7 }, { ts: t0 + 2, seq: 8 }))
      .idle(1)
      .checkpoint()
    expect(rowsOf(agent)).toMatchObject([{ firstSeq: 7, lastSeq: 8 }])
    agent
      .apply(messages({ ts: t0 + 3, seq: 0 }))
      .idle(1)
      .checkpoint()
    expect(rowsOf(agent)).toMatchObject([{ firstSeq: null, lastSeq: null, messages: 3 }])
    expect(agent.sentCompleteness.map(({ rev }) => rev)).toEqual([0, 1])
  })

  it('without numbers counts messages alone', () => {
    const agent = agentAt()
      .apply(messages({}, { ts: t0 + 1 }))
      .idle(1)
      .checkpoint()
    expect(rowsOf(agent)).toEqual([{ boot: 0, firstSeq: null, lastSeq: null, messages: 2 }])
  })

  it('closes with the device’s windows, is amended by late messages, and is not sent again for repeats', () => {
    const agent = agentAt().apply(
      data([{ series: 10, ts: t0 + 2 * minuteMs, value: 1 }], { messages: [{ device: 1, ts: t0, boot: 1, seq: 1 }] }),
    )
    agent.checkpoint()
    expect(rowsOf(agent)).toMatchObject([{ messages: 1 }])
    agent
      .apply(messages({ boot: 1, seq: 1 }))
      .idle(1)
      .checkpoint()
    expect(agent.sentCompleteness.length).toBe(1)
    agent
      .apply(messages({ boot: 1, seq: 2 }))
      .idle(1)
      .checkpoint()
    expect(agent.sentCompleteness.at(-1)).toMatchObject({ rev: 1, rows: [{ firstSeq: 1, lastSeq: 2, messages: 2 }] })
  })

  it('moves no watermark', () => {
    const agent = agentAt().apply(messages({ ts: t0 + hourMs }))
    expect(agent.keeper.device(1)!.watermarkMs).toBe(Number.NEGATIVE_INFINITY)
  })

  it('counts messages that cannot count at their own time: ahead of time at arrival, below the floor at the floor', () => {
    const wallMs = t0 + 24 * hourMs
    const agent = agentAt(wallMs).apply(data([{ series: 10, ts: wallMs + 5_000, value: 1 }]))
    agent.apply(messages({ ts: wallMs + hourMs, boot: 1, seq: 9 }, { ts: t0 - hourMs, boot: 1, seq: 1 }))
    agent.idle(1).checkpoint()
    expect(agent.keeper.device(1)!.floorMs).toBe(t0)
    expect(rowsOf(agent, wallMs)).toEqual([{ boot: 1, firstSeq: 9, lastSeq: 9, messages: 1 }])
    expect(rowsOf(agent, t0)).toEqual([{ boot: 1, firstSeq: 1, lastSeq: 1, messages: 1 }])
  })

  it('is the same in any order, doubled: missing messages of a boot come out over all windows', () => {
    const numbers = fc.uniqueArray(fc.nat(60), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(
        numbers.chain((seqs) => fc.shuffledSubarray([...seqs, ...seqs], { minLength: seqs.length * 2 })),
        (arrived) => {
          const agent = agentAt()
          for (const seq of arrived) agent.apply(messages({ boot: 1, seq, ts: t0 + seq * 20_000 })).idle(1)
          agent.checkpoint()
          const newest = new Map(agent.sentCompleteness.map(({ start, rows }) => [start, rows[0]!]))
          const rows = [...newest.values()]
          const first = Math.min(...rows.map(({ firstSeq }) => firstSeq!))
          const last = Math.max(...rows.map(({ lastSeq }) => lastSeq!))
          expect([first, last]).toEqual([Math.min(...arrived), Math.max(...arrived)])
          expect(rows.reduce((sum, row) => sum + row.messages, 0)).toBe(new Set(arrived).size)
        },
      ),
      { numRuns: 200 },
    )
  })
})
