import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { decodeMessage } from '../../cloud-ingest/src/decode/index.ts'
import { type Spooled, unpackValues } from '../../cloud-ingest/src/received.ts'
import { Custody } from '../../cloud-ingest/src/spool/index.ts'
import { cloudTopic, type Receipt } from '../../packages/contracts/src/index.ts'
import { silentLogger, systemClock } from '../../packages/pipeline/src/index.ts'
import { Breaches } from './breaches.ts'
import type { IssuedBody, IssuedRow } from './hand-agents.ts'

export interface IngestKnown {
  /** Receipts that had left. */
  receipts: readonly Receipt[]
  atMs: number
}

interface HeldPart {
  rev: number
  count: number
  sum: number
}

type Issued = IssuedBody & { spooled: Spooled }

/** Compares what an image of an ingest's disk holds with what its receipts said before the cut. */
export class IngestJudge {
  readonly #issued: Issued[]

  constructor(issued: readonly IssuedBody[]) {
    this.#issued = issued.map((one) => ({ ...one, spooled: spooledOf(one) }))
  }

  /** Breaches of the promise; with `repeats` also after the agents sent again whatever was not receipted. */
  async judge(dataDir: string, known: IngestKnown, repeats: boolean): Promise<string[]> {
    const breaches = new Breaches()
    const sent = this.#issued.filter(({ atMs }) => atMs <= known.atMs)
    const receipted = sent.filter((one) => isReceipted(one, known.receipts))
    const custody = await openCustody(dataDir)
    const aside = custody.spool.movedAside
    await custody.close()
    if (aside) return [`called damaged: ${aside.reason}`]
    look(dataDir, { sent, mustHave: receipted, breaches })
    if (repeats && breaches.list.length === 0) {
      await repeat(
        dataDir,
        sent.filter((one) => !receipted.includes(one)),
        breaches,
      )
      look(dataDir, { sent, mustHave: sent, breaches })
    }
    return breaches.list
  }
}

function spooledOf({ site, agent, body }: IssuedBody): Spooled {
  const decoded = decodeMessage({ topic: cloudTopic({ site, agent, kind: 'summaries' }), body: Buffer.from(body) })
  if (decoded.kind !== 'spooled') throw new Error('a message that no ingest would take')
  return decoded.spooled
}

function openCustody(dataDir: string): Promise<Custody> {
  const maxBytes = 64 * 1024 * 1024
  return Custody.open({ dataDir, maxBytes, clock: systemClock, log: silentLogger, committed: () => undefined })
}

function isReceipted({ spool, seq }: IssuedBody, receipts: readonly Receipt[]): boolean {
  return receipts.some((receipt) => {
    return (
      receipt.spool === spool && (seq <= receipt.upTo || receipt.ranges.some(([from, to]) => seq >= from && seq <= to))
    )
  })
}

/** The agents' next try, with some messages that are known; then the accounts must balance. */
async function repeat(dataDir: string, messages: readonly Issued[], breaches: Breaches): Promise<void> {
  const custody = await openCustody(dataDir)
  const stopping = new AbortController()
  const running = custody.receiver.run(stopping.signal)
  const kept = Promise.all(messages.map(({ spooled }) => custody.receiver.offer(spooled)))
  const all = await Promise.race([kept, delay(20_000, undefined, { ref: false })])
  if (!all?.every((is) => is)) breaches.add('a repeated message was not taken', messages.length)
  stopping.abort()
  await running
  const { total } = await custody.accounts(0)
  for (const name of ['unaccounted', 'mismatch', 'conflicts', 'deadLetters', 'missingUpstream', 'refused'] as const) {
    if (total[name] !== 0) breaches.add(`${name} after the repeats`, total[name])
  }
  await custody.close()
}

interface Look {
  sent: readonly Issued[]
  mustHave: readonly Issued[]
  breaches: Breaches
}

const name = ({ spool, seq }: { spool: string; seq: number }) => `${spool}/${seq}`

/** Counts what is in the file by its tables, with nothing of the ingest's own counting. */
function look(dataDir: string, { sent, mustHave, breaches }: Look): void {
  const spool = new DatabaseSync(join(dataDir, 'spool', 'spool.db'), { readOnly: true })
  try {
    const rows = spool.prepare('SELECT s.spool, b.seq FROM bodies AS b JOIN sources AS s ON s.id = b.source').all()
    const held = new Set(rows.map((row) => name({ spool: String(row.spool), seq: Number(row.seq) })))
    for (const one of mustHave) if (!held.has(name(one))) breaches.add('a receipted message is gone', name(one))
    const taken = sent.filter((one) => held.has(name(one)))
    if (taken.length !== held.size) breaches.add('a message was never sent', held.size - taken.length)
    compareParts(spool, taken, breaches)
    compareHeld(spool, taken, breaches)
  } finally {
    spool.close()
  }
}

/** The newest revision of every window in messages taken. */
function newestRows(taken: readonly Issued[]): Map<string, IssuedRow & { spool: string }> {
  const newest = new Map<string, IssuedRow & { spool: string }>()
  for (const { spool, rows } of taken) {
    for (const row of rows) {
      const key = `${spool}/${row.device}/${row.metric}/${row.start}`
      if ((newest.get(key)?.rev ?? -1) < row.rev) newest.set(key, { ...row, spool })
    }
  }
  return newest
}

/** Each window once, at the newest revision of the messages taken, and nothing else. */
function compareParts(spool: DatabaseSync, taken: readonly Issued[], breaches: Breaches): void {
  const parts = new Map<string, HeldPart>()
  const sql = `SELECT s.spool, r.device, r.metric, p.start, p.rev, p.count, p.row FROM parts AS p
    JOIN sources AS s ON s.id = p.source JOIN series AS r ON r.id = p.series`
  for (const row of spool.prepare(sql).all()) {
    const key = `${row.spool}/${row.device}/${row.metric}/${row.start}`
    if (parts.has(key)) breaches.add('a part is there twice', key)
    const { sum } = unpackValues(String(row.row))
    parts.set(key, { rev: Number(row.rev), count: Number(row.count), sum })
  }
  for (const [key, { rev, count, sum }] of newestRows(taken)) {
    const part = parts.get(key)
    if (part?.rev !== rev || part.count !== count || part.sum !== sum) breaches.add('rows of a message are gone', key)
    parts.delete(key)
  }
  for (const key of parts.keys()) breaches.add('rows of no message taken', key)
}

/** `held` of each device against a recount. */
function compareHeld(spool: DatabaseSync, taken: readonly Issued[], breaches: Breaches): void {
  const counted = new Map<string, number>()
  for (const { spool: name, device, count } of newestRows(taken).values()) {
    counted.set(`${name}/${device}`, (counted.get(`${name}/${device}`) ?? 0) + count)
  }
  const sql = 'SELECT s.spool, a.device, a.held FROM accounts AS a JOIN sources AS s ON s.id = a.source'
  for (const row of spool.prepare(sql).all()) {
    const key = `${row.spool}/${row.device}`
    if (Number(row.held) !== (counted.get(key) ?? 0)) breaches.add('`held` is not what is there', key)
    counted.delete(key)
  }
  for (const key of counted.keys()) breaches.add('a device without an account', key)
}
