import type { AccountsResponse, DeviceAccounts } from '@millrace/contracts'
import type { AgentState } from './api.ts'
import { type DevicePromise, deviceKey, type Ledger } from './ledger.ts'
import { tooLateReason } from './too-late.ts'

export interface SetAsideDifference {
  device: string
  reason: string
  expected: number
  found: number
}

export interface SetAsideVerdict {
  expected: number
  /** Of all devices in the ledger, every reason. */
  found: number
  differences: SetAsideDifference[]
}

type Counts = Map<string, number>

const add = (counts: Counts, more: Record<string, number>) => {
  for (const [reason, count] of Object.entries(more)) counts.set(reason, (counts.get(reason) ?? 0) + count)
  return counts
}

function byReason(entries: readonly DeviceAccounts[]): Counts {
  const found: Counts = new Map()
  for (const { invalid, dropped, tooLate } of entries) {
    add(add(found, invalid), dropped)
    if (tooLate > 0) add(found, { [tooLateReason]: tooLate })
  }
  return found
}

const totalOf = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((sum, count) => sum + count, 0)

/** What was set aside is told by whoever set it aside; the ingest hears of it up to two minutes later. */
export interface SetAsideCase {
  ledger: Ledger
  /** Asked for before the agent was, so that they can only be behind it. */
  accounts: AccountsResponse
  agent: AgentState
}

interface DeviceCounts {
  /** The agent's own, and what it reported of spools that it no longer has. */
  counted: Counts
  /** What the ingest holds of the agent's present spool. */
  reported: Counts
  own: Counts
}

function countsByDevice({ accounts, agent }: SetAsideCase): (device: string) => DeviceCounts {
  const told = Map.groupBy(accounts.devices, deviceKey)
  const states = new Map(agent.devices.map((state) => [deviceKey(state), state]))
  return (device) => {
    const { present = [], earlier = [] } = Object.groupBy(told.get(device) ?? [], ({ spool }) =>
      spool === agent.spool.name ? 'present' : 'earlier',
    )
    const own: Counts = new Map(Object.entries(states.get(device)?.setAside ?? {}))
    return { own, reported: byReason(present), counted: add(byReason(earlier), Object.fromEntries(own)) }
  }
}

/**
 * Readings that the ledger says must have been set aside, against the agent's counts, by device and reason. Fewer is a
 * difference: an acknowledged one vanished. More is one only where repeats are ruled out: a message that was
 * committed but not acknowledged comes again, and what is set aside has no window to be recognised in. The ingest may
 * know less than the agent, but never more.
 */
export function judgeSetAside(input: SetAsideCase): SetAsideVerdict {
  const { ledger } = input
  const verdict: SetAsideVerdict = { expected: 0, found: 0, differences: [] }
  const countsOf = countsByDevice(input)
  for (const [device, promise] of ledger.devices) {
    const counts = countsOf(device)
    verdict.expected += totalOf(promise.setAside)
    verdict.found += totalOf(counts.counted)
    const wrong = [...differingReasons(promise, counts.counted, ledger.repeats), ...overReported(counts)]
    verdict.differences.push(...wrong.map((difference) => ({ device, ...difference })))
  }
  return verdict
}

function overReported({ own, reported }: DeviceCounts) {
  return [...reported]
    .map(([reason, found]) => ({ reason, expected: own.get(reason) ?? 0, found }))
    .filter(({ expected, found }) => found > expected)
}

/** What came too late is held against the windows that lack it, reading by reading. */
const isPredicted = (reason: string) => reason !== tooLateReason

function differingReasons({ setAside, maybeSetAside }: DevicePromise, counts: Map<string, number>, repeats: boolean) {
  const most = (reason: string) => (setAside.get(reason) ?? 0) + (maybeSetAside.get(reason) ?? 0)
  return [...new Set([...setAside.keys(), ...counts.keys()])]
    .map((reason) => ({ reason, expected: setAside.get(reason) ?? 0, found: counts.get(reason) ?? 0 }))
    .filter(
      ({ reason, expected, found }) => found < expected || (isPredicted(reason) && !repeats && found > most(reason)),
    )
}
