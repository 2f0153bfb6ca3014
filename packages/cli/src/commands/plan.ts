import { type HubTier, hubTiers } from '@millrace/contracts'
import { type Problem, parseDuration, UsageError } from '@millrace/pipeline'
import { planOf, type TierWish } from '../plan/arithmetic.ts'
import { measureFleet } from '../plan/measure-fleet.ts'
import { planLines } from '../plan/text.ts'

export interface PlanFlags {
  fleet?: string
  config?: string
  devices?: string
  rate?: string
  seed?: string
  window?: string
  sample?: string
  tier?: string
  units?: string
  json?: boolean
}

type Check = (flags: PlanFlags) => Problem | undefined

const checks: readonly Check[] = [
  ({ tier }) => {
    const tiers = Object.keys(hubTiers)
    const known = tier === undefined || tiers.includes(tier)
    return known ? undefined : { path: '--tier', found: tier, expected: tiers.join(', ') }
  },
  ({ units }) =>
    /^[1-9]\d*$/.test(units ?? '1') ? undefined : { path: '--units', found: units!, expected: 'a whole number from 1' },
  ({ units, tier }) => {
    const alone = units !== undefined && tier === undefined
    return alone ? { path: '--tier', found: 'nothing', expected: 'the tier that --units is of' } : undefined
  },
  ({ window, config }) => {
    const twice = window !== undefined && config !== undefined
    return twice ? { path: '--window', found: window, expected: 'none, since --config says it' } : undefined
  },
  ({ window }) => {
    const spoilt = window !== undefined && !parseDuration(window)
    return spoilt ? { path: '--window', found: window, expected: 'a duration such as 1m' } : undefined
  },
  ({ devices }) =>
    /^0+$/.test(devices ?? '1') ? { path: '--devices', found: devices!, expected: 'at least 1' } : undefined,
  ({ sample }) => {
    const spoilt = sample !== undefined && !parseDuration(sample)
    return spoilt ? { path: '--sample', found: sample, expected: 'a duration such as 10m' } : undefined
  },
]

/** Throws a UsageError that names every flag that no plan can be made with. */
export function wishOf(flags: PlanFlags): TierWish {
  const problems = checks.flatMap((check) => check(flags) ?? [])
  if (problems.length > 0) throw new UsageError('a plan cannot be made like this', problems)
  return { tier: flags.tier as HubTier | undefined, units: Number(flags.units ?? 1) }
}

/** Exit code 1 where a tier was named and does not take it. */
export async function runPlan(flags: PlanFlags): Promise<number> {
  const wish = wishOf(flags)
  const plan = planOf(await measureFleet(flags), wish)
  const text = flags.json ? JSON.stringify(plan) : planLines(plan).join('\n')
  process.stdout.write(`${text}\n`)
  return plan.uplink.tiers.some(({ tier, fits }) => tier === wish.tier && !fits) ? 1 : 0
}
