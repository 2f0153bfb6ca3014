import type { AccountsResponse, DeviceAccounts } from '@millrace/contracts'
import { deadLetters, type Spool } from '@millrace/spool'
import { RangeSet } from '@millrace/windows'
import type { AccountTerms } from '../received.ts'
import type { Registry, SourceState } from './registry.ts'

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((total, count) => total + count, 0)

const noTerms: AccountTerms = {
  ...{ accepted: 0, closed: 0, open: 0, duplicate: 0, tooLate: 0, qos0: 0 },
  invalid: {},
  dropped: {},
}

function unaccounted({ accepted, closed, open, duplicate, tooLate, invalid, dropped }: AccountTerms): number {
  return accepted - closed - open - duplicate - tooLate - sum(invalid) - sum(dropped)
}

/** Numbers missing below the newest one received. */
export function missingOf({ received }: SourceState): number {
  return received.count === 0 ? 0 : received.ranges().at(-1)![1] + 1 - received.count
}

/** Numbers among those missing that the agent gave up unsent: nobody will fill them. */
export function gaveUpOf({ received, gaveUp }: SourceState): number {
  const newest = received.last ?? -1
  const both = RangeSet.decode(received.encode())
  for (const [from, to] of gaveUp.ranges()) if (from <= newest) both.addRange(from, Math.min(to, newest))
  return both.count - received.count
}

export interface Accounts extends Omit<AccountsResponse, 'at' | 'stores' | 'agents'> {
  mismatchBySite: Record<string, number>
  /** Messages missing between those received, of each spool and site, without those given up. */
  missing: { site: string; agent: string; spool: string; messages: number }[]
}

/** The devices' accounts as the agents last told them, beside what the ingest holds and refused itself. */
export async function readAccounts(spool: Spool, registry: Registry): Promise<Accounts> {
  const sources = new Map(registry.sources().map((source) => [source.id, source]))
  const rows = await spool.read('SELECT source, device, seq, sent, terms, held, refused FROM accounts')
  const devices: DeviceAccounts[] = []
  const mismatchBySite: Record<string, number> = {}
  for (const row of rows) {
    const [id, device, seq, sent, json, held, refused] = row as [number, string, number, number, string, number, number]
    const source = sources.get(id)
    if (!source) continue
    const { site, agent, spool: name } = source
    const terms: AccountTerms = { ...noTerms, ...JSON.parse(json) }
    devices.push({ site, device, agent, spool: name, ...terms, unaccounted: unaccounted(terms), sent, held, refused })
    const mismatch = seq >= 0 && missingOf(source) === 0 ? Math.abs(sent - held - refused) : 0
    mismatchBySite[site] = (mismatchBySite[site] ?? 0) + mismatch
  }
  const missing = missingBySource(sources)
  return {
    total: {
      ...totals(devices),
      mismatch: sum(mismatchBySite),
      ...(await countLetters(spool)),
      gaveUpUpstream: [...sources.values()].reduce((total, source) => total + gaveUpOf(source), 0),
      missingUpstream: missing.reduce((total, { messages }) => total + messages, 0),
    },
    devices,
    mismatchBySite,
    missing,
  }
}

function missingBySource(sources: ReadonlyMap<number, SourceState>): Accounts['missing'] {
  return [...sources.values()].map((source) => {
    const { site, agent, spool } = source
    return { site, agent, spool, messages: missingOf(source) - gaveUpOf(source) }
  })
}

async function countLetters(spool: Spool): Promise<{ deadLetters: number; conflicts: number }> {
  const counts = await deadLetters.counts(spool)
  const conflicts = counts.find(({ reason }) => reason === 'conflict')?.letters ?? 0
  return { deadLetters: counts.reduce((total, { letters }) => total + letters, 0), conflicts }
}

function totals(devices: readonly DeviceAccounts[]) {
  const total = {
    ...{ accepted: 0, closed: 0, open: 0, duplicate: 0, tooLate: 0, invalid: 0, dropped: 0 },
    ...{ qos0: 0, unaccounted: 0, sent: 0, held: 0, refused: 0 },
  }
  for (const device of devices) {
    for (const name of [
      'accepted',
      'closed',
      'open',
      'duplicate',
      'tooLate',
      'qos0',
      'sent',
      'held',
      'refused',
    ] as const) {
      total[name] += device[name]
    }
    total.unaccounted += Math.abs(device.unaccounted)
    total.invalid += sum(device.invalid)
    total.dropped += sum(device.dropped)
  }
  return total
}
