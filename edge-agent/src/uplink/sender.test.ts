import { manualClock } from '@millrace/pipeline'
import { describe, expect, it } from 'vitest'
import { type OutboxMessage, Sender } from './sender.ts'

const spool = 'spool-a'
const flush = async () => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

function fixture({ messages = 40, maxOutstanding = 32 } = {}) {
  const clock = manualClock(0)
  const outbox = new Map<number, OutboxMessage>()
  for (let seq = 0; seq < messages; seq++) {
    outbox.set(seq, { site: 'hall', seq, kind: 'summaries', bytes: Uint8Array.of(seq) })
  }
  const sent: number[] = []
  const errors: unknown[] = []
  const disk = { fails: false }
  const sender = new Sender({
    spool,
    maxOutstanding,
    clock,
    random: () => 1,
    newest: async (limit, exclude) => {
      const excluded = new Set(exclude.map(({ seq }) => seq))
      return [...outbox.values()]
        .filter(({ seq }) => !excluded.has(seq))
        .reverse()
        .slice(0, limit)
    },
    settle: async (_site, { upTo, ranges }) => {
      if (disk.fails) throw new Error('the disk is full')
      for (const seq of outbox.keys()) {
        if (seq <= upTo || ranges.some(([from, to]) => seq >= from && seq <= to)) outbox.delete(seq)
      }
    },
    publish: async ({ seq }) => {
      sent.push(seq)
    },
    onError: (error) => errors.push(error),
  })
  const advance = async (ms: number) => {
    clock.advance(ms)
    sender.tick()
    await flush()
  }
  const fill = async () => {
    sender.fill()
    await flush()
  }
  const receipt = async (upTo: number, ranges: [number, number][] = [], name = spool) => {
    sender.receipt('hall', { spool: name, upTo, ranges })
    await flush()
  }
  return { outbox, sent, errors, disk, sender, advance, fill, receipt }
}

describe('the sender', () => {
  it('sends the newest first and never more than it may have on the way', async () => {
    const { sent, sender, fill } = fixture()
    await fill()
    await fill()
    expect(sent).toEqual(Array.from({ length: 32 }, (_, index) => 39 - index))
    expect(sender.outstanding).toBe(32)
  })

  it('frees places by receipts alone, in ranges and out of order', async () => {
    const { sent, outbox, sender, fill, receipt } = fixture()
    await fill()
    sent.length = 0
    await receipt(-1, [
      [36, 39],
      [30, 31],
    ])
    expect(sent).toEqual([7, 6, 5, 4, 3, 2])
    await receipt(31, [[36, 39]])
    expect(sent).toEqual([7, 6, 5, 4, 3, 2])
    expect([...outbox.keys()]).toEqual([32, 33, 34, 35])
    expect(sender.outstanding).toBe(4)
  })

  it('ignores the receipt of another spool, as a broker may have kept it from long ago', async () => {
    const { sent, outbox, sender, fill, receipt, advance } = fixture({ messages: 3 })
    await fill()
    await advance(2_000)
    await receipt(1_000, [], 'spool-of-last-year')
    expect(outbox.size).toBe(3)
    expect(sender.outstanding).toBe(3)
    expect(sent).toHaveLength(3)
  })

  it('repeats with growing pauses up to ten minutes', async () => {
    const { sent, fill, advance } = fixture({ messages: 1 })
    await fill()
    const pausesS: number[] = []
    let lastS = 0
    for (let second = 1; second <= 4_000; second++) {
      const before = sent.length
      await advance(1_000)
      if (sent.length === before) continue
      pausesS.push(second - lastS)
      lastS = second
    }
    expect(pausesS).toEqual([5, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600, 600])
  })

  it('repeats everything at once when a receipt brings no news: the ingest has just connected', async () => {
    const { sent, fill, receipt, advance } = fixture({ messages: 4 })
    await fill()
    await advance(700_000)
    await advance(2_000)
    sent.length = 0
    await receipt(-1)
    expect(sent.sort()).toEqual([0, 1, 2, 3])
  })

  it('does not answer the receipts of doubled messages with more copies', async () => {
    const { sent, fill, receipt } = fixture({ messages: 4 })
    await fill()
    await receipt(0)
    await receipt(0)
    await receipt(0)
    expect(sent).toHaveLength(4)
  })

  it('sends nothing that is receipted again while the disk does not take the receipt, and goes on once it does', async () => {
    const { sent, outbox, advance, fill, receipt, disk } = fixture({ messages: 3, maxOutstanding: 2 })
    disk.fails = true
    await fill()
    expect(sent).toEqual([2, 1])
    for (let times = 0; times < 5; times++) await receipt(-1, [[1, 2]])
    await advance(500)
    expect([sent, outbox.size]).toEqual([[2, 1], 3])
    disk.fails = false
    await advance(1_000)
    expect([sent, outbox.size]).toEqual([[2, 1, 0], 1])
  })

  it('does not hand a message to the wire again while the wire still holds it', async () => {
    const { sender, fill, advance, outbox } = fixture({ messages: 0 })
    let handed = 0
    const held = new Sender({
      spool,
      maxOutstanding: 1,
      clock: manualClock(0),
      newest: async () => [{ site: 'hall', seq: 0, kind: 'summaries', bytes: new Uint8Array() }],
      settle: async () => undefined,
      publish: () => {
        handed++
        return new Promise(() => undefined)
      },
      onError: () => undefined,
    })
    held.fill()
    await flush()
    held.repeatAll()
    await advance(60_000)
    await fill()
    expect([handed, outbox.size, sender.outstanding]).toEqual([1, 0, 0])
  })
})
