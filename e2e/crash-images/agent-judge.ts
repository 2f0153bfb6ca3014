import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { AgentConfig } from '../../edge-agent/src/config.ts'
import { openRecovered } from '../../edge-agent/src/recovery.ts'
import { agentConfigOf } from '../../edge-agent/src/testing/fixture.ts'
import { decodeSet } from '../../packages/windows/src/index.ts'
import type { AgentFacts } from './agent-run.ts'
import { Breaches } from './breaches.ts'
import type { IssuedReading } from './numbered-devices.ts'
import { type SummariesBody, silentLogger, systemClock } from './product.ts'

/** What held at the moment of the cut. */
export interface AgentKnown {
  /** Numbers of the messages whose PUBACK had left. */
  acknowledged: ReadonlySet<number>
  atMs: number
}

interface HeldMessage {
  site: string
  seq: number
  body: string
}

/** Compares what an image of an agent's disk holds with what was promised before the cut. */
export class AgentJudge {
  readonly #facts: AgentFacts
  readonly #readings = new Map<number, IssuedReading>()

  constructor(facts: AgentFacts) {
    this.#facts = facts
    for (const { readings } of facts.issued) for (const one of readings) this.#readings.set(one.id, one)
  }

  /** Breaches of the promise; the folder holds the image and is changed. */
  async judge(dataDir: string, known: AgentKnown): Promise<string[]> {
    const aside = await recoverAndClose(agentConfigOf({ dataDir, cloudPort: 1, spoolBytes: 32 * 1024 * 1024 }))
    if (aside !== undefined) return [`called damaged: ${aside}`]
    const spool = new DatabaseSync(join(dataDir, 'spool.db'), { readOnly: true })
    try {
      const breaches = new Breaches()
      const found = this.#recount(spool, breaches)
      this.#compare(found, known, breaches)
      this.#followMessages(spool, { found, known, breaches })
      return breaches.list
    } finally {
      spool.close()
    }
  }

  /** Every reading in a set, by identity. */
  #recount(spool: DatabaseSync, breaches: Breaches): Map<number, IssuedReading & { start: number }> {
    const found = new Map<number, IssuedReading & { start: number }>()
    const rows =
      spool.prepare(`SELECT d.parent AS site, d.name AS device, n.name AS metric, s.start, s.bytes FROM sets AS s
      JOIN names AS d ON d.kind = 'device' AND d.id = s.device JOIN names AS n ON n.kind = 'series' AND n.id = s.series`)
    for (const { site, device, metric, start, bytes } of rows.all()) {
      const set = decodeSet(bytes as Uint8Array)
      for (let at = 0; at < set.length; at++) {
        const [id, ts, seq] = [set.value[at]!, set.ts[at]!, set.seq[at]!]
        const one = { id, ts, seq, site: String(site), device: String(device), metric: String(metric) }
        if (found.has(id)) breaches.add('a reading is there twice', id)
        if (!isSame(this.#readings.get(id), one)) breaches.add('a reading was never sent', id)
        found.set(id, { ...one, start: Number(start) })
      }
    }
    const [open] = spool.prepare('SELECT count(*) AS n FROM open_windows').all()
    if (Number(open!.n) > 0) breaches.add('windows stayed open', Number(open!.n))
    return found
  }

  #compare(found: ReadonlyMap<number, unknown>, { acknowledged }: AgentKnown, breaches: Breaches): void {
    for (const message of this.#facts.issued) {
      if (!acknowledged.has(message.id)) continue
      for (const { id } of message.readings) if (!found.has(id)) breaches.add('an acknowledged reading is gone', id)
    }
  }

  /** What is in a set must be in a message that waits or was receipted, and no number may change its bytes. */
  #followMessages(
    spool: DatabaseSync,
    {
      found,
      known,
      breaches,
    }: { found: ReadonlyMap<number, IssuedReading & { start: number }>; known: AgentKnown; breaches: Breaches },
  ): void {
    const waiting = spool.prepare(`SELECT site, seq, bytes FROM outbox WHERE kind = 'summaries'`).all().map(heldMessage)
    const byNumber = new Map(waiting.map((one) => [`${one.site}/${one.seq}`, one]))
    const receipted: HeldMessage[] = []
    for (const arrived of this.#facts.arrived) {
      if (arrived.atMs > known.atMs) continue
      const now = byNumber.get(`${arrived.site}/${arrived.seq}`)
      if (now && now.body !== arrived.body) breaches.add('a number sent once has other bytes', arrived.seq)
      if (now) continue
      if (this.#isReceipted(arrived, known.atMs)) receipted.push(arrived)
      else breaches.add('a message left the outbox without its receipt', arrived.seq)
    }
    const bodies = [...receipted, ...waiting].map(({ body }) => JSON.parse(body) as SummariesBody)
    compareRows(bodies, found, breaches)
    compareAccounts(bodies, { readings: [...found.values()], poisoned: this.#poisoned(known) }, breaches)
  }

  #isReceipted({ site, seq }: HeldMessage, atMs: number): boolean {
    return this.#facts.receipts.some((one) => one.site === site && one.atMs <= atMs && seq <= one.upTo)
  }

  #poisoned({ acknowledged }: AgentKnown): number {
    return this.#facts.issued.filter(({ id, readings }) => readings.length === 0 && acknowledged.has(id)).length
  }
}

/** The agent's own start, and then the end of everything that is open, so that all of it is in messages. */
async function recoverAndClose(config: AgentConfig): Promise<string | undefined> {
  const openRules = async () => undefined
  const { spool, rollup, firstEntries } = await openRecovered({
    config,
    clock: systemClock,
    log: silentLogger,
    openRules,
  })
  try {
    if (spool.movedAside) return spool.movedAside.reason
    const anchor = { kind: 'anchor', monotonicMs: performance.now(), wallMs: Date.now() } as const
    const commit = async (entries: typeof firstEntries) => {
      for (const entry of await spool.commit({ entries, names: [], setAside: [] })) rollup.apply(entry)
    }
    await commit([...firstEntries, anchor])
    const devices = Uint32Array.from(rollup.keeper.devices(), ({ device }) => device)
    await commit([{ kind: 'idle', devices }])
    await rollup.checkpoint({ write: (record) => spool.checkpoint(record, Date.now()), reportAfterMs: 0 })
    return undefined
  } finally {
    await spool.close()
  }
}

function heldMessage(row: Record<string, unknown>): HeldMessage {
  return { site: String(row.site), seq: Number(row.seq), body: Buffer.from(row.bytes as Uint8Array).toString('utf8') }
}

function isSame(issued: IssuedReading | undefined, found: IssuedReading): boolean {
  return (
    issued !== undefined &&
    (['site', 'device', 'metric', 'ts', 'seq'] as const).every((name) => issued[name] === found[name])
  )
}

/** The newest row of every window against the readings found in it. */
function compareRows(
  bodies: readonly SummariesBody[],
  found: ReadonlyMap<number, IssuedReading & { start: number }>,
  breaches: Breaches,
): void {
  const rows = new Map<string, { rev: number; count: number; sum: number }>()
  for (const { site, columns } of bodies) {
    for (const [at, device] of columns.device.entries()) {
      const key = `${site}/${device}/${columns.metric[at]}/${columns.start[at]}`
      const row = { rev: columns.rev[at]!, count: columns.count[at]!, sum: columns.sum[at]! }
      if ((rows.get(key)?.rev ?? -1) < row.rev) rows.set(key, row)
    }
  }
  const windows = Map.groupBy(
    found.values(),
    ({ site, device, metric, start }) => `${site}/${device}/${metric}/${start}`,
  )
  for (const [key, readings] of windows) {
    const row = rows.get(key)
    const sum = readings.reduce((total, { id }) => total + id, 0)
    if (row?.count !== readings.length || row.sum !== sum) breaches.add('a window and its row differ', key)
    rows.delete(key)
  }
  for (const key of rows.keys()) breaches.add('a row without its window', key)
}

const total = (counts: Record<string, number>) => Object.values(counts).reduce((sum, count) => sum + count, 0)

/** The devices' newest accounts against the readings found. */
function compareAccounts(
  bodies: readonly SummariesBody[],
  { readings, poisoned }: { readings: readonly IssuedReading[]; poisoned: number },
  breaches: Breaches,
): void {
  const newest = new Map<string, { seq: number; accepted: number; explained: number; sent: number; invalid: number }>()
  for (const { site, seq, accounts } of bodies) {
    for (const [at, device] of accounts.device.entries()) {
      const key = `${site}/${device}`
      if ((newest.get(key)?.seq ?? -1) > seq) continue
      const invalid = total(accounts.invalid[at]!)
      const held = accounts.closed[at]! + accounts.open[at]! + accounts.duplicate[at]!
      const explained = held + accounts.tooLate[at]! + invalid + total(accounts.dropped[at]!)
      newest.set(key, { seq, accepted: accounts.accepted[at]!, explained, sent: accounts.sent[at]!, invalid })
    }
  }
  const found = Map.groupBy(readings, ({ site, device }) => `${site}/${device}`)
  for (const [key, { accepted, explained, sent }] of newest) {
    if (accepted !== explained) breaches.add('unaccounted', `${key}: ${accepted - explained}`)
    if (sent !== (found.get(key)?.length ?? 0)) breaches.add('`sent` is not what is there', key)
  }
  for (const key of found.keys()) if (!newest.has(key)) breaches.add('a device without an account', key)
  const invalid = [...newest.values()].reduce((sum, one) => sum + one.invalid, 0)
  if (invalid < poisoned) breaches.add('an acknowledged poisoned message is not counted', poisoned - invalid)
}
