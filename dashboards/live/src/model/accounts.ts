import type { AccountsResponse, DeviceAccounts } from '@millrace/contracts'

/** One term of accepted = closed + open + duplicate + too late + invalid + dropped. */
export interface Term {
  id: 'closed' | 'open' | 'duplicate' | 'tooLate' | 'invalid' | 'dropped'
  label: string
  /** What the term means, for someone who has never seen the word. */
  meaning: string
  count: number
}

export type Counted = Pick<DeviceAccounts, 'closed' | 'open' | 'duplicate' | 'tooLate'> & {
  invalid: number
  dropped: number
}

const words: readonly Omit<Term, 'count'>[] = [
  { id: 'closed', label: 'in closed windows', meaning: 'Counted in a finished summary.' },
  {
    id: 'open',
    label: 'in open windows',
    meaning: 'Counted in a window that is still filling, or waiting to be sent.',
  },
  { id: 'duplicate', label: 'duplicates', meaning: 'The same reading sent again: recognised and counted once.' },
  { id: 'tooLate', label: 'too late', meaning: 'Arrived after its window could still be amended: set aside.' },
  { id: 'invalid', label: 'invalid', meaning: 'Not a usable reading: set aside with its reason.' },
  { id: 'dropped', label: 'dropped', meaning: 'Given up on purpose, by a limit or a full disk, and counted.' },
]

export function termsOf(counted: Counted): Term[] {
  return words.map((word) => ({ ...word, count: counted[word.id] }))
}

export function sumReasons(reasons: Readonly<Record<string, number>>): number {
  return Object.values(reasons).reduce((sum, count) => sum + count, 0)
}

export function countedOf(device: DeviceAccounts): Counted {
  return { ...device, invalid: sumReasons(device.invalid), dropped: sumReasons(device.dropped) }
}

export type Verdict = { level: 'good' | 'waiting' | 'bad'; text: string }

const plural = (count: number, one: string, many: string) =>
  `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`

function worst(accounts: AccountsResponse): Verdict | undefined {
  const { total, stores } = accounts
  if (total.unaccounted !== 0)
    return { level: 'bad', text: `${plural(total.unaccounted, 'reading is', 'readings are')} unaccounted for.` }
  if (total.mismatch !== 0) {
    const differ = plural(Math.abs(total.mismatch), 'reading', 'readings')
    return { level: 'bad', text: `What agents sent and what the ingest holds differ by ${differ}.` }
  }
  if (total.conflicts > 0) {
    const names = plural(total.conflicts, 'message came', 'messages came')
    return { level: 'bad', text: `${names} twice with different contents and were set aside.` }
  }
  const agent = accounts.agents?.find(({ unaccounted }) => unaccounted !== 0)
  if (agent) {
    const lost = plural(agent.unaccounted, 'reading or message', 'readings or messages')
    return { level: 'bad', text: `The agent ${agent.agent} cannot say where ${lost} went.` }
  }
  const differing = stores.find(({ unaccounted }) => (unaccounted ?? 0) !== 0)
  if (differing) {
    const differ = plural(differing.unaccounted!, 'reading', 'readings')
    return { level: 'bad', text: `The store ${differing.type} and the ingest's own disk differ by ${differ}.` }
  }
  const failing = stores.find((store) => store.error !== null)
  if (failing) return { level: 'bad', text: `The store ${failing.type} refuses to take rows: ${failing.error}` }
  return undefined
}

/** The one sentence under the accounts. */
export function verdictOf(accounts: AccountsResponse): Verdict {
  const bad = worst(accounts)
  if (bad) return bad
  const { total, stores } = accounts
  if (total.missingUpstream > 0) {
    const awaited = plural(total.missingUpstream, 'message', 'messages')
    return { level: 'waiting', text: `${awaited} between agent and ingest not here yet.` }
  }
  const behind = stores.reduce((sum, store) => sum + store.behind, 0)
  if (behind > 0) return { level: 'waiting', text: `${plural(behind, 'row', 'rows')} on disk, not yet in a store.` }
  if (total.accepted === 0) return { level: 'waiting', text: 'No reading has been accepted yet.' }
  const given = total.gaveUpUpstream ?? 0
  if (given === 0) return { level: 'good', text: 'Every reading is accounted for.' }
  const up = plural(given, 'message was', 'messages were')
  return { level: 'good', text: `Every reading is accounted for; ${up} given up by full agents.` }
}

/** "bad-time 3, future 1", most frequent first. */
export function describeReasons(reasons: Readonly<Record<string, number>>): string {
  return Object.entries(reasons)
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${reason} ${count.toLocaleString('en-US')}`)
    .join(', ')
}
