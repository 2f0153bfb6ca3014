import type { AccountsResponse } from '@millrace/contracts'
import type { AgentState } from './api.ts'
import type { Difference, SeriesVerdict } from './judge-series.ts'
import { deviceKey, type Ledger, seriesKey } from './ledger.ts'
import type { NamedReading, TooLateLetter } from './letters.ts'
import type { StackVerdict, WholeVerdict } from './recount-stack.ts'
import { keyOf, keyOfNamed } from './window-facts.ts'

export const tooLateReason = 'too-late'
/** Why a window of which some readings are counted so, and not named, was not checked. */
export const notNamed = 'too late, not named'

/** What an agent acknowledged of a device when it had given up the windows by then. */
export interface TooLate {
  named: readonly NamedReading[]
  /** So many more: letters are kept of some only, and of none where the spool is gone. */
  unnamed: number
  /** No later window can be meant: one that ends here or before, epoch ms. */
  untilMs: number
}

export interface TooLateCase {
  agent: AgentState
  accounts: AccountsResponse
  /** Asked for after the agent was, so that they can only know more. */
  letters: readonly TooLateLetter[]
}

/** By `site/device`. */
export function tooLateByDevice({ agent, accounts, letters }: TooLateCase): (device: string) => TooLate {
  const states = new Map(agent.devices.map((state) => [deviceKey(state), state]))
  const told = Map.groupBy(accounts.devices, deviceKey)
  const named = Map.groupBy(letters, deviceKey)
  // Another agent's count says nothing of what this one lost.
  const own = accounts.devices.find(({ spool }) => spool === agent.spool.name)?.agent
  return (device) => {
    const state = states.get(device)
    const readings = (named.get(device) ?? []).flatMap((letter) => letter.readings)
    const others = (told.get(device) ?? []).filter((one) => one.spool !== agent.spool.name && one.agent === own)
    const elsewhere = others.reduce((sum, { tooLate }) => sum + tooLate, 0)
    const here = Math.max(0, (state?.setAside[tooLateReason] ?? 0) - readings.length)
    const untilMs = elsewhere > 0 ? Number.POSITIVE_INFINITY : (state?.floorMs ?? Number.NEGATIVE_INFINITY)
    return { named: readings, unnamed: here + elsewhere, untilMs }
  }
}

/** Without those that were not too late by the floor of their device, which never falls. */
export function believable(letters: readonly TooLateLetter[], { devices }: AgentState): TooLateLetter[] {
  const floors = new Map(devices.map((state) => [deviceKey(state), state.floorMs]))
  return letters.map((letter) => {
    const floorMs = floors.get(deviceKey(letter)) ?? Number.POSITIVE_INFINITY
    return { ...letter, readings: letter.readings.filter(({ ts }) => ts < floorMs) }
  })
}

/** Notes in a ledger which of its readings are named so: each of them is stored, or is not, and both are right. */
export function noteNamed(ledger: Ledger, letters: readonly TooLateLetter[]): void {
  const all = letters.flatMap(({ site, device, readings }) => {
    return readings.map((reading) => ({ series: seriesKey({ site, device, metric: reading.metric }), reading }))
  })
  for (const [series, named] of Map.groupBy(all, (one) => one.series)) {
    const keys = new Set(named.map(({ reading }) => keyOfNamed(ledger.boots, reading)))
    const readings = ledger.series.get(series)
    for (let index = 0; index < (readings?.count ?? 0); index++)
      if (keys.has(keyOf(readings!, index))) readings!.named.add(index)
  }
}

/** Values that no lack of a reading explains are wrong all the same. */
function mayLack({ kind, step, start, lengthMs, fields }: Difference, untilMs: number): boolean {
  const lacksAlone = fields.every(({ field }) => field === 'count' || field === 'row')
  return kind === 'missing' && step === undefined && lengthMs > 0 && lacksAlone && start + lengthMs <= untilMs
}

function leaveSeries(verdict: WholeVerdict, untilMs: number, left: number): WholeVerdict {
  const differences: Difference[] = []
  const notChecked = new Map(verdict.notChecked)
  let unnamed = 0
  for (const difference of verdict.differences) {
    const some = mayLack(difference, untilMs) ? Math.min(difference.readings, left - unnamed) : 0
    unnamed += some
    if (some > 0) notChecked.set(notNamed, (notChecked.get(notNamed) ?? 0) + 1)
    if (some < difference.readings) differences.push({ ...difference, readings: difference.readings - some })
  }
  return { ...verdict, differences, notChecked, unnamed }
}

/**
 * Takes out what may be missing because it came too late and is counted, but not named: at most so many readings of a
 * device, and of windows that were given up. What it takes out was not checked, and is told as such.
 */
export function leaveUnnamed(verdict: StackVerdict, tooLateOf: (device: string) => TooLate): StackVerdict {
  const used = new Map<string, number>()
  const bySeries = new Map<string, WholeVerdict>()
  for (const [key, series] of verdict.bySeries) {
    const device = deviceKey(series.name)
    const { unnamed, untilMs } = tooLateOf(device)
    const left = leaveSeries(series, untilMs, unnamed - (used.get(device) ?? 0))
    used.set(device, (used.get(device) ?? 0) + left.unnamed)
    bySeries.set(key, left)
  }
  return { ...verdict, bySeries }
}

/** Readings that are in no row because they came too late: by name, and by number alone. */
export function tooLateTotals(series: readonly SeriesVerdict[]): { named: number; unnamed: number } {
  return series.reduce((sum, { named, unnamed }) => ({ named: sum.named + named, unnamed: sum.unnamed + unnamed }), {
    named: 0,
    unnamed: 0,
  })
}
