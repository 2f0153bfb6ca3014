import type { AccountsResponse, DeviceAccounts } from '@millrace/contracts'
import { type DevicePromise, deviceKey, type Ledger } from './ledger.ts'

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

function foundByReason(entries: readonly DeviceAccounts[]): Map<string, number> {
  const found = new Map<string, number>()
  const add = (reason: string, count: number) => found.set(reason, (found.get(reason) ?? 0) + count)
  for (const { invalid, dropped, tooLate } of entries) {
    if (tooLate > 0) add('too-late', tooLate)
    for (const counts of [invalid, dropped]) for (const [reason, count] of Object.entries(counts)) add(reason, count)
  }
  return found
}

const totalOf = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((sum, count) => sum + count, 0)

function accountsByDevice(accounts: AccountsResponse): Map<string, DeviceAccounts[]> {
  return Map.groupBy(accounts.devices, deviceKey)
}

/**
 * Readings that the ledger says must have been set aside, against the accounts, by device and reason. Fewer is a
 * difference: an acknowledged one vanished. More is one only where repeats are ruled out: a message that was
 * committed but not acknowledged comes again, and what is set aside has no window to be recognised in.
 */
export function judgeSetAside(ledger: Ledger, accounts: AccountsResponse): SetAsideVerdict {
  const verdict: SetAsideVerdict = { expected: 0, found: 0, differences: [] }
  const byDevice = accountsByDevice(accounts)
  for (const [device, promise] of ledger.devices) {
    const counts = foundByReason(byDevice.get(device) ?? [])
    verdict.expected += totalOf(promise.setAside)
    verdict.found += totalOf(counts)
    const wrong = differingReasons(promise, counts, ledger.repeats)
    verdict.differences.push(...wrong.map((difference) => ({ device, ...difference })))
  }
  return verdict
}

function differingReasons({ setAside, maybeSetAside }: DevicePromise, counts: Map<string, number>, repeats: boolean) {
  const most = (reason: string) => (setAside.get(reason) ?? 0) + (maybeSetAside.get(reason) ?? 0)
  return [...new Set([...setAside.keys(), ...counts.keys()])]
    .map((reason) => ({ reason, expected: setAside.get(reason) ?? 0, found: counts.get(reason) ?? 0 }))
    .filter(({ reason, expected, found }) => found < expected || (!repeats && found > most(reason)))
}
