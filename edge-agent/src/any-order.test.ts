import { setImmediate as turn } from 'node:timers/promises'
import type { SummariesBody } from '@millrace/contracts'
import { type ManualClock, manualClock } from '@millrace/pipeline'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { DurableAgent } from './testing/durable-agent.ts'
import { agentConfigOf, Bench } from './testing/fixture.ts'

const startMs = Date.UTC(2026, 0, 1, 12)

interface Sent {
  device: string
  ts: number
  seq: number
  boot: string
  temperature: number
  /** A counter, whose summary depends on the order of readings most of all. */
  energy: number
}

const sent: fc.Arbitrary<Sent> = fc.record({
  device: fc.constantFrom('a', 'b'),
  ts: fc.nat(24).map((n) => startMs + n * 5_000),
  seq: fc.nat(30),
  boot: fc.constantFrom('x', 'y'),
  temperature: fc.integer({ min: -20, max: 60 }),
  energy: fc.nat(100),
})

const bench = new Bench()
let clock: ManualClock
beforeAll(() => {
  clock = manualClock(startMs + 3_600_000)
})
afterAll(() => bench.close())

function messageOf({ device, ts, seq, boot, ...readings }: Sent) {
  const body = Buffer.from(JSON.stringify({ ts, seq, boot, readings }))
  return { topic: `telemetry/hall/${device}`, body, qos: 1 as const }
}

/** What the agent does between two groups of messages. */
type Fate = 'go on' | 'checkpoint' | 'wait' | 'die' | 'die in a checkpoint'

/** Delivers in groups as a broker does: what was not acknowledged when the agent died comes again to the next. */
async function deliver(groups: readonly (readonly Sent[])[], fates: readonly Fate[]) {
  const config = agentConfigOf({ dataDir: await bench.folder(), cloudPort: 1 })
  let agent = await DurableAgent.open(config, clock)
  const waiting = new Set<readonly Sent[]>()
  const send = (group: readonly Sent[]) => {
    waiting.add(group)
    agent.receive(group.map(messageOf), () => waiting.delete(group))
  }
  let deaths = 0
  for (const [index, group] of groups.entries()) {
    send(group)
    const fate = fates[index % fates.length]!
    if (fate.endsWith('checkpoint')) agent.checkpoint()
    if (fate === 'wait') while (waiting.has(group)) await turn()
    if (!fate.startsWith('die')) continue
    await agent.die()
    deaths++
    agent = await DurableAgent.open(config, clock)
    for (const left of [...waiting]) send(left)
  }
  while (waiting.size > 0) await turn()
  return { ...(await agent.finish()), deaths }
}

/** Newest row of each window, and every fault in the order of revisions. */
function rowsOf(bodies: readonly SummariesBody[]) {
  const rows = new Map<string, Record<string, unknown>>()
  const faults: string[] = []
  for (const { columns, site } of bodies) {
    for (let at = 0; at < columns.device.length; at++) {
      const row = Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column[at]]))
      const { rev, amended: _, duplicate: __, ...told } = row
      const key = `${site}/${row.device}/${row.metric}/${row.start}`
      if (rev !== ((rows.get(key)?.rev as number | undefined) ?? -1) + 1) faults.push(`${key} rev ${rev}`)
      rows.set(key, { ...told, rev })
    }
  }
  const summaries = [...rows].map(([key, { rev: _, ...row }]) => [key, row] as const)
  return { summaries: summaries.toSorted(([a], [b]) => (a < b ? -1 : 1)), faults }
}

it('shuffled, doubled, through journal and checkpoints, killed at any moment: the same summaries, and every reading accounted for', async () => {
  let deaths = 0
  const fate = fc.constantFrom<Fate>('go on', 'checkpoint', 'wait', 'die', 'die in a checkpoint')
  const input = fc.array(sent, { minLength: 10, maxLength: 60 }).chain((all) =>
    fc.record({
      all: fc.constant(all),
      shuffled: fc.shuffledSubarray([...all, ...all], { minLength: all.length * 2 }),
      size: fc.integer({ min: 4, max: 30 }),
      fates: fc.array(fate, { minLength: 1, maxLength: 8 }),
    }),
  )
  await fc.assert(
    fc.asyncProperty(input, async ({ all, shuffled, size, fates }) => {
      const groups = Array.from({ length: Math.ceil(shuffled.length / size) }, (_, n) =>
        shuffled.slice(n * size, (n + 1) * size),
      )
      const inOrder = await deliver([all.toSorted((a, b) => a.ts - b.ts)], ['wait'])
      const anyhow = await deliver(groups, fates)
      deaths += anyhow.deaths
      expect(rowsOf(anyhow.bodies)).toEqual({ summaries: rowsOf(inOrder.bodies).summaries, faults: [] })
      const { accepted, closed, open, duplicate, tooLate, invalid, dropped } = anyhow.accounts
      expect(accepted).toBe(closed + open + duplicate + tooLate + invalid + dropped)
      expect(accepted).toBeGreaterThanOrEqual(shuffled.length * 2)
      expect({ closed, open, tooLate, invalid }).toEqual({
        ...{ open: 0, tooLate: 0, invalid: 0 },
        closed: inOrder.accounts.closed,
      })
    }),
    { numRuns: 10, endOnFailure: true },
  )
  expect(deaths).toBeGreaterThan(5)
})
