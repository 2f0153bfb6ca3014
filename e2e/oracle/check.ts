import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Judgement, judge } from './judge.ts'
import { type Promised, readPromises } from './ledger.ts'
import { windowsOf } from './recount.ts'
import { type Demands, type Faults, type Scorecard, scorecardOf } from './scorecard.ts'
import { type Accounts, accountsOf, behindIngest, influxDirect, type StoreReader } from './stores.ts'

export interface CheckFlags {
  folder: string
  ingest: string
  /** Stores behind the ingest's HTTP. */
  stores: string[]
  /** InfluxDB asked directly: its URL and database. */
  influx: { url: string; database: string } | undefined
  demands: Demands
  /** Ends when so long nothing came nearer to what must be. */
  patienceMs: number
  withinMs: number
}

const everyMs = 1_000

interface Look {
  judgements: Record<string, Judgement>
  accounts: Accounts
}

const differencesIn = (judgements: Record<string, Judgement>) =>
  Object.values(judgements).reduce((sum, { differences }) => sum + differences.length, 0)

async function look(promised: Promised, readers: readonly StoreReader[], { ingest }: CheckFlags): Promise<Look> {
  const windows = windowsOf(promised)
  const { windowMs, site } = promised.terms
  const judgements: Record<string, Judgement> = {}
  for (const reader of readers) judgements[reader.name] = judge(windows, windowMs, await reader.rows())
  return { judgements, accounts: await accountsOf(ingest, site) }
}

const restless = ({ accounts: { unaccounted, mismatch, missingUpstream, open } }: Look) =>
  unaccounted + mismatch + missingUpstream + open

/** Looks until everything is as it must be, or nothing has come nearer to that for a while. */
async function settled(promised: Promised, readers: readonly StoreReader[], flags: CheckFlags): Promise<Look> {
  const deadline = performance.now() + flags.withinMs
  let best = Number.POSITIVE_INFINITY
  let betterAtMs = performance.now()
  for (;;) {
    let failure: unknown
    const found = await look(promised, readers, flags).catch((error: unknown) => {
      failure = error
      return undefined
    })
    const open = found ? differencesIn(found.judgements) + restless(found) : Number.POSITIVE_INFINITY
    if (found && open === 0) return found
    const nowMs = performance.now()
    if (open < best) {
      best = open
      betterAtMs = nowMs
    }
    if (nowMs > deadline || nowMs - betterAtMs > flags.patienceMs) {
      if (found) return found
      throw failure
    }
    await delay(everyMs)
  }
}

/** Recounts what was published, compares what every store holds, and writes the score beside the promises. */
export async function check(flags: CheckFlags): Promise<Scorecard> {
  const { folder, ingest, stores, influx, demands } = flags
  const promised = readPromises(folder)
  const { site } = promised.terms
  const readers = [
    ...stores.map((store) => behindIngest(ingest, site, store)),
    ...(influx ? [influxDirect(influx.url, influx.database, site)] : []),
  ]
  const { judgements, accounts } = await settled(promised, readers, flags)
  const faultsFile = join(folder, 'faults.json')
  const faults: Faults = existsSync(faultsFile)
    ? (JSON.parse(readFileSync(faultsFile, 'utf8')) as Faults)
    : { kills: [], recoveriesMs: {} }
  const acknowledgedReadings = promised.messages.reduce((sum, { message, acks }) => {
    return sum + acks * message.readings.reduce((count, { values }) => count + Object.keys(values).length, 0)
  }, 0)
  const card = scorecardOf({
    published: promised.published,
    judgements,
    accounts,
    faults,
    demands,
    acknowledgedReadings,
  })
  const differences = Object.entries(judgements).map(([store, one]) => [store, one.differences.slice(0, 1000)])
  writeFileSync(
    join(folder, 'scorecard.json'),
    JSON.stringify({ ...card, differences: Object.fromEntries(differences) }, null, 1),
  )
  return card
}
