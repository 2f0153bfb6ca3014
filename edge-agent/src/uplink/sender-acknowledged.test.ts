import { manualClock, RejectedError } from '@millrace/pipeline'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type OutboxMessage, Sender } from './sender.ts'

const flush = async () => {
  for (let turn = 0; turn < 40; turn++) await Promise.resolve()
}

interface Wire {
  message: OutboxMessage
  take(): void
  refuse(reason: string): void
}

/** `after`: messages that must have left the outbox first. */
function fixture(after: ReadonlyMap<number, number> = new Map(), messages = 10) {
  const clock = manualClock(0)
  const outbox = new Map<number, OutboxMessage>()
  for (let seq = 0; seq < messages; seq++) {
    outbox.set(seq, { site: `hall-${seq % 2}`, seq, kind: 'summaries', bytes: Uint8Array.of(seq) })
  }
  const wire: Wire[] = []
  const settled: number[] = []
  const state = { failing: false, sends: 0 }
  const sender = new Sender({
    ...{ spool: 's', maxOutstanding: 3, custody: 'acknowledged', clock, onError: () => undefined },
    newest: async (limit, exclude) => {
      const excluded = new Set(exclude.map(({ seq }) => seq))
      const free = [...outbox.values()].filter(({ seq }) => !excluded.has(seq) && !outbox.has(after.get(seq) ?? -1))
      return free.toReversed().slice(0, limit)
    },
    settle: async (site, { ranges }) => {
      if (state.failing) throw new Error('the disk')
      for (const [seq] of ranges) {
        expect(outbox.get(seq)?.site).toBe(site)
        outbox.delete(seq)
        settled.push(seq)
      }
    },
    publish: (message) =>
      new Promise((resolve, reject) => {
        const refuse = (reason: string) => reject(new RejectedError(reason, new Map()))
        state.sends++
        wire.push({ message, take: resolve, refuse })
      }),
  })
  const fill = async () => {
    sender.fill()
    await flush()
  }
  return { clock, outbox, wire, settled, sender, fill, state }
}

describe('where the acknowledgement of the far side ends the duty', () => {
  it('a message leaves the outbox with it, never before, and gives its place to the next', async () => {
    const { outbox, wire, settled, sender, fill } = fixture()
    await fill()
    expect([wire.map(({ message }) => message.seq), settled]).toEqual([[9, 8, 7], []])
    wire[1]!.take()
    await flush()
    expect([settled, outbox.has(8), sender.outstanding]).toEqual([[8], false, 3])
    expect(wire.at(-1)!.message.seq).toBe(6)
  })

  it('what the far side will not take stays in the outbox, out of the way, and is tried again ten minutes later', async () => {
    const { clock, outbox, wire, sender, fill } = fixture(new Map(), 3)
    await fill()
    wire[0]!.refuse('too large')
    wire[1]!.take()
    wire[2]!.take()
    await flush()
    expect([[...outbox.keys()], sender.outstanding]).toEqual([[2], 0])
    expect(sender.setAside).toEqual({ messages: 1, reason: 'too large' })
    clock.advance(599_999)
    sender.tick()
    await flush()
    expect(wire).toHaveLength(3)
    clock.advance(1)
    sender.tick()
    await flush()
    wire[3]!.take()
    await flush()
    expect([outbox.size, sender.setAside.messages]).toEqual([0, 0])
  })

  it('any order of acknowledgements, with a disk that fails, settles all in the order that they need', async () => {
    const order = fc.array(fc.tuple(fc.nat(2), fc.boolean()), { minLength: 60, maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(order, async (turns) => {
        const after = new Map([
          [9, 4],
          [4, 0],
          [7, 6],
        ])
        const { clock, outbox, wire, settled, sender, fill, state } = fixture(after)
        await fill()
        for (const [at, fails] of turns) {
          state.failing = fails
          const open = wire.splice(Math.min(at, wire.length - 1), 1)
          open[0]?.take()
          await flush()
          expect(sender.outstanding).toBeLessThanOrEqual(3)
          clock.advance(fails ? 10 : 1_000)
          sender.tick()
          await flush()
        }
        state.failing = false
        while (outbox.size > 0) {
          wire.shift()?.take()
          clock.advance(1_000)
          sender.tick()
          await flush()
        }
        // A disk that fails is no reason to send again what the far side has.
        expect(state.sends).toBe(10)
        expect(settled.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
        for (const [later, earlier] of after) expect(settled.indexOf(earlier)).toBeLessThan(settled.indexOf(later))
      }),
      { numRuns: 100 },
    )
  })
})
