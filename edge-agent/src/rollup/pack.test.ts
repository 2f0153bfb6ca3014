import { maxBodyBytes, type SummaryRow, summariesBodySchema } from '@millrace/contracts'
import { array, assert, constantFrom, integer, property, record } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Packer, type SummaryEntry } from './pack.ts'

const head = { agent: 'a', spool: 's', epoch: 'e', site: 'hall' }
const longName = (device: number) => `device-${device}-`.padEnd(64, 'x')

function row(device: number, count: number, sketchBytes: number): SummaryRow {
  const value = -Math.PI * 1e-89
  return {
    ...{ device: longName(device), metric: 'm'.repeat(64), unit: '°C', start: 1.7e12, lengthMs: 60_000, rev: 0, count },
    ...{ sum: value, min: value, max: value, mean: value, stddev: 0, first: value, firstTs: 1.7e12, last: value },
    ...{ lastTs: 1.7e12, p50: value, p95: value, p99: value, sketch: 'A'.repeat(sketchBytes), increase: null },
    ...{ amended: 0, duplicate: 0, unstamped: 0 },
  }
}

function pack(shape: readonly { device: number; count: number; sketchBytes: number }[], due: number[] = []) {
  const sent = new Map<number, number>()
  const seqs: number[] = []
  let next = 0
  const terms = (device: number) => ({
    ...{ accepted: 2 ** 53 - 1, closed: device, open: 0, duplicate: 0, tooLate: 0, qos0: 0 },
    ...{ invalid: { 'bad-json': 3, 'too-many-metrics': 2 ** 40 }, dropped: {} },
  })
  const packer = new Packer(
    {
      deviceName: longName,
      terms,
      givenUp: () => false,
      addSent: (device, readings) => {
        sent.set(device, (sent.get(device) ?? 0) + readings)
        return sent.get(device)!
      },
    },
    () => next++,
  )
  const summaries = shape.map(({ device, count, sketchBytes }, index): SummaryEntry => {
    const sentIn = (seq: number) => {
      seqs[index] = seq
    }
    return { device, row: row(device, count, sketchBytes), added: count, after: null, shares: [], sentIn }
  })
  const drafts = packer.pack({ summaries, completeness: [], due })
  return { sent, seqs, bodies: drafts.map(({ draft, seq }) => draft.encode(head, seq)) }
}

const shapes = array(
  record({
    device: integer({ min: 0, max: 30 }),
    count: integer({ min: 1, max: 1e6 }),
    sketchBytes: constantFrom(9, 300, 60_000),
  }),
  { minLength: 1, maxLength: 120 },
)

describe('packing', () => {
  it('keeps every body under the limit and loses no row', async () => {
    await assert(
      property(shapes, (shape) => {
        const { bodies } = pack(shape)
        const read = bodies.map((bytes) => summariesBodySchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))))
        for (const bytes of bodies) expect(bytes.byteLength).toBeLessThan(maxBodyBytes)
        expect(read.flatMap(({ columns }) => columns.count)).toEqual(shape.map(({ count }) => count))
        expect(read.map(({ seq }) => seq)).toEqual(read.map((_, index) => index))
      }),
      { numRuns: 60 },
    )
  })

  it('states `sent` as of each body: the readings in all rows of the device so far', async () => {
    await assert(
      property(shapes, (shape) => {
        const soFar = new Map<string, number>()
        for (const bytes of pack(shape).bodies) {
          const { columns, accounts } = summariesBodySchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
          for (const [at, device] of columns.device.entries()) {
            soFar.set(device, (soFar.get(device) ?? 0) + columns.count[at]!)
          }
          expect(new Set(accounts.device)).toEqual(new Set(columns.device))
          for (const [at, device] of accounts.device.entries()) expect(accounts.sent[at]).toBe(soFar.get(device))
        }
      }),
      { numRuns: 60 },
    )
  })

  it('tells every entry the message that holds it, and reports due devices once, without a row', () => {
    const { seqs, bodies } = pack(
      Array.from({ length: 8 }, () => ({ device: 1, count: 1, sketchBytes: 60_000 })),
      [1, 2],
    )
    const read = bodies.map((bytes) => summariesBodySchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))))
    expect(seqs).toEqual(read.flatMap(({ seq, columns }) => columns.device.map(() => seq)))
    expect(read.filter(({ accounts }) => accounts.device.includes(longName(2)))).toHaveLength(1)
  })
})
