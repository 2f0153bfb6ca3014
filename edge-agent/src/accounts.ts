import type { DeviceView, Keeper } from '@millrace/windows'
import type { Names } from './names.ts'

export interface AccountSums {
  accepted: number
  closed: number
  open: number
  duplicate: number
  tooLate: number
  invalid: number
  dropped: number
  qos0: number
}

/** Below 0: counted more than once. */
export interface Differences {
  /** Readings accepted that no term holds. */
  terms: number
  /** Closed readings that no message holds. */
  messages: number
}

export interface DeviceAccount extends AccountSums {
  site: string
  device: string
  /** Readings in the newest revision of every window in messages so far. */
  sent: number
  unaccounted: number
  differences: Differences
}

/** What accounts are made of. */
export interface AccountParts {
  keeper: Keeper
  names: Names
  sent(device: number): number
}

function sum(terms: Readonly<Record<string, number>>): number {
  return Object.values(terms).reduce((total, count) => total + count, 0)
}

function differencesOf({ counts }: DeviceView, sent: number): Differences {
  const { accepted, closed, open, duplicate, tooLate, invalid, dropped } = counts
  return {
    terms: accepted - (closed + open + duplicate + tooLate + sum(invalid) + sum(dropped)),
    // What was given up for lack of room was in a message.
    messages: closed + (dropped.full ?? 0) - sent,
  }
}

/** One reading lost and one doubled are two. */
function unaccountedOf({ terms, messages }: Differences): number {
  return Math.abs(terms) + Math.abs(messages)
}

function sumsOf({ counts }: DeviceView): AccountSums {
  const { accepted, closed, open, duplicate, tooLate, qos0, invalid, dropped } = counts
  return { accepted, closed, open, duplicate, tooLate, invalid: sum(invalid), dropped: sum(dropped), qos0 }
}

/** The accounts of all devices together. */
export function totalAccounts(keeper: Keeper): AccountSums {
  const total: AccountSums = {
    ...{ accepted: 0, closed: 0, open: 0, duplicate: 0 },
    ...{ tooLate: 0, invalid: 0, dropped: 0, qos0: 0 },
  }
  for (const view of keeper.devices()) {
    for (const [term, count] of Object.entries(sumsOf(view))) total[term as keyof AccountSums] += count
  }
  return total
}

/** Differences of one device never make up for those of another. */
export function totalUnaccounted(keeper: Keeper, sent: (device: number) => number): number {
  let total = 0
  for (const view of keeper.devices()) total += unaccountedOf(differencesOf(view, sent(view.device)))
  return total
}

export function accountOf(view: DeviceView, { names, sent }: Omit<AccountParts, 'keeper'>): DeviceAccount {
  const differences = differencesOf(view, sent(view.device))
  return {
    site: names.siteOf(view.device),
    device: names.deviceName(view.device),
    ...sumsOf(view),
    sent: sent(view.device),
    unaccounted: unaccountedOf(differences),
    differences,
  }
}

/** As of this moment; device 0 holds what no device can be blamed for. */
export function deviceAccounts(parts: AccountParts): DeviceAccount[] {
  return [...parts.keeper.devices()].map((view) => accountOf(view, parts))
}
