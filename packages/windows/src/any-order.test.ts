import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anchor, data, minuteMs, TestAgent, type TestReading, t0 } from '../testing/harness.ts'

/** Few times, numbers and values, so that keys meet often. */
const reading: fc.Arbitrary<TestReading> = fc.record({
  series: fc.constantFrom(10, 11, 15, 20),
  ts: fc.nat(40).map((n) => t0 + n * 15_000),
  value: fc.constantFrom(0, -0, 1, 2.5, -3),
  seq: fc.option(fc.nat(6), { nil: undefined }),
  boot: fc.nat(2),
})

/** Delivers groups of readings with a checkpoint after each group, then lets the devices fall silent. */
function deliver(groups: readonly (readonly TestReading[])[]): TestAgent {
  const agent = new TestAgent().apply(anchor(t0 + 60 * minuteMs))
  for (const group of groups) agent.apply(data(group)).checkpoint()
  return agent.idle(1, 2).checkpoint()
}

function setsOf(agent: TestAgent) {
  return [...agent.sets].map(([key, { bytes }]) => [key, bytes] as const).toSorted(([a], [b]) => (a < b ? -1 : 1))
}

function summariesOf(agent: TestAgent) {
  const newest = new Map(agent.sent.map(({ series, summary }) => [`${series} ${summary.start}`, summary]))
  return [...newest]
    .map(([key, { amended: _a, duplicate: _d, ...summary }]) => [key, summary] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
}

describe('any order of arrival, doubled, in any groups', () => {
  it('gives the same sets and the same summaries, but for rev, amended and duplicate', () => {
    fc.assert(
      fc.property(
        fc
          .array(reading, { minLength: 1, maxLength: 40 })
          .chain((readings) =>
            fc.tuple(
              fc.constant(readings),
              fc.shuffledSubarray([...readings, ...readings], { minLength: readings.length * 2 }),
              fc.array(fc.nat(readings.length * 2), { maxLength: 6 }),
            ),
          ),
        ([readings, shuffled, cuts]) => {
          const inOrder = deliver([readings.toSorted((a, b) => a.ts - b.ts)])
          const bounds = [0, ...cuts.toSorted((a, b) => a - b), shuffled.length]
          const groups = bounds.slice(1).map((end, i) => shuffled.slice(bounds[i], end))
          const anyhow = deliver(groups)
          expect(setsOf(anyhow)).toEqual(setsOf(inOrder))
          expect(summariesOf(anyhow)).toEqual(summariesOf(inOrder))
        },
      ),
      { numRuns: 10_000 },
    )
  })

  it('sends nothing again for a delivery that holds repeats alone', () => {
    fc.assert(
      fc.property(fc.array(reading, { minLength: 1, maxLength: 40 }), (readings) => {
        const agent = deliver([readings])
        const sent = agent.sent.length
        agent.apply(data(readings)).idle(1, 2).checkpoint()
        expect(agent.sent.length).toBe(sent)
      }),
    )
  })

  it('revisions of a window count up from 0 without a gap', () => {
    fc.assert(
      fc.property(fc.array(fc.array(reading, { maxLength: 10 }), { maxLength: 6 }), (groups) => {
        const next = new Map<string, number>()
        for (const { series, rev, summary } of deliver(groups).sent) {
          const key = `${series} ${summary.start}`
          expect(rev).toBe(next.get(key) ?? 0)
          next.set(key, rev + 1)
        }
      }),
    )
  })
})
