import type { MeasuredSample } from '@millrace/contracts'
import { expect, it } from 'vitest'
import { planOf } from './arithmetic.ts'
import { planLines } from './text.ts'

const mebibyte = 1024 * 1024

/** Ten minutes of a site whose bodies have these sizes. */
function measured(bodies: number[], changes: Partial<MeasuredSample['settings']> = {}): MeasuredSample {
  return {
    ...{ windowLengthMs: 60_000, spanMs: 600_000, sites: 1, devices: 5, series: 10 },
    ...{ messages: 600, messageBytes: 60_000, readings: 6_000, setAside: 0, bodies, summaryRows: 100 },
    ...{
      completenessRows: 50,
      setBytes: 60_000,
      spoolBytes: 2 * (60_000 + bodies.reduce((sum, each) => sum + each, 0)),
    },
    settings: {
      ...{ uplink: 'mqtt', spoolMaxBytes: 100 * mebibyte, spoolReserveBytes: 20 * mebibyte },
      ...{ amendForMs: 86_400_000, amendMaxBytes: 256 * mebibyte },
      ...{ statusEveryMs: 600_000, ...changes },
    },
  }
}

it('a body is metered with its properties, in whole blocks of its tier, and so is the status', () => {
  const { tiers } = planOf(measured([3_000, 4_000, 9_000]), { units: 1 }).uplink
  const perDay = Object.fromEntries(tiers.map(({ tier, blocksPerDay }) => [tier, Math.round(blocksPerDay / 144)]))
  expect(perDay).toEqual({ F1: 7 + 9 + 18 + 4, S1: 1 + 2 + 3 + 1, S2: 7, S3: 7 })
})

it('it fits within 80 % of the units, and says how many units it needs', () => {
  const blocks = Array.from({ length: 2_499 }, () => 100)
  const plan = (units: number) => planOf(measured(blocks), { tier: 'S1', units }).uplink.tiers[1]!
  expect(plan(1)).toMatchObject({ blocksPerDay: 360_000, share: 0.9, fits: false, unitsNeeded: 2 })
  expect(plan(2)).toMatchObject({ quotaPerDay: 800_000, fits: true, unitsNeeded: 2 })
  // There is one free unit and no more.
  expect(planOf(measured(blocks), { units: 1 }).uplink.tiers[0]).toMatchObject({ fits: false, unitsNeeded: null })
})

it('an outage fills what sets and the reserve leave of the spool', () => {
  const { agent } = planOf(measured([50_000]), { units: 1 })
  // 60,000 B of sets in ten minutes, over a day, twice as large on the disk as in the tables.
  expect(agent.setBytes).toBe(60_000 * 144 * 2)
  expect(agent.outboxBytesPerHour).toBe(50_000 * 6 * 2)
  expect(agent.bridgesHours).toBeCloseTo((80 * mebibyte - agent.setBytes) / agent.outboxBytesPerHour, 6)
})

it('sets over their budget shorten the time of amendment', () => {
  const { agent } = planOf(measured([50_000], { amendMaxBytes: 60_000 * 36 }), { units: 1 })
  expect(agent.amendForMs).toBe(6 * 3_600_000)
})

it('the table names every tier and its verdict', () => {
  const lines = planLines(planOf(measured([3_000]), { tier: 'B1', units: 3 })).join('\n')
  for (const text of ['F1 x 1', 'S1 x 1', 'S2 x 1', 'S3 x 1', 'B1 x 3']) expect(lines).toContain(text)
  expect(lines).toContain('fits')
})
