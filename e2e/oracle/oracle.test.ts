import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { check } from './check.ts'
import { Ledger, type Published } from './ledger.ts'
import type { Demands, Faults } from './scorecard.ts'

const windowMs = 10_000
const noon = Date.UTC(2026, 2, 1, 12)

const published: Published = {
  ...{ issued: 4, acked: 3, pending: 0, acks: 4, repeats: 2, doubled: 1, late: 1, shuffled: 1, boots: 1 },
  ...{ freshAfterMs: 900, freshness: { count: 3, p50: 5, p99: 9, max: 9 } },
}
const faults: Faults = {
  kills: [
    { victim: 'agent', phase: 'working' },
    { victim: 'agent', phase: 'recovering' },
  ],
  recoveriesMs: { agent: [800, 1200] },
}

/** The rows of what `promise` writes down, by hand. */
const rows = () => ({
  'o1/temperature': [
    {
      ...{ start: noon, lengthMs: windowMs, rev: 1, amended: 1, provisional: false, count: 3, sum: 6, min: 1, max: 3 },
      ...{ mean: 2, stddev: Math.sqrt(2 / 3), first: 1, firstTs: noon + 1, last: 3, lastTs: noon + 3 },
      ...{ p50: 2, p95: 3, p99: 3, increase: null },
    },
  ],
  'o1/energy': [
    {
      ...{ start: noon, lengthMs: windowMs, rev: 0, amended: 0, provisional: false, count: 1, sum: 5.5, min: 5.5 },
      ...{ max: 5.5, mean: 5.5, stddev: 0, first: 5.5, firstTs: noon + 1, last: 5.5, lastTs: noon + 1 },
      ...{ p50: 5.5, p95: 5.5, p99: 5.5, increase: 0 },
    },
  ],
})
type Stored = Record<string, Record<string, unknown>[]>

let stored: Stored
let account: Record<string, unknown>
let folder: string

/** An ingest that says what it is told to say. */
const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url!, 'http://ingest')
  const series = Object.keys(stored).map((key) => ({
    site: 'oracle',
    device: key.split('/')[0],
    metric: key.split('/')[1],
  }))
  const answers: Record<string, () => unknown> = {
    '/api/series': () => [...series, { site: 'other', device: 'x', metric: 'temperature' }],
    '/api/summaries': () => ({
      summaries: stored[`${searchParams.get('device')}/${searchParams.get('metric')}`] ?? [],
    }),
    '/api/accounts': () => ({ devices: [{ site: 'oracle', ...account }], total: { missingUpstream: 0 } }),
  }
  response.end(JSON.stringify(answers[pathname]!()))
})

function promise(): void {
  const ledger = new Ledger(folder, { site: 'oracle', devices: ['o1'], windowMs })
  const reading = (seq: number, values: Record<string, number>) => ({ boot: 'b0', seq, ts: noon + seq + 1, values })
  ledger.issue({ id: 0, device: 'o1', readings: [reading(0, { temperature: 1, energy: 5.5 })] })
  ledger.issue({
    id: 1,
    device: 'o1',
    readings: [reading(1, { temperature: 2 }), reading(2, { temperature: 3 })],
  })
  // Sent, never acknowledged: it may be counted or not.
  ledger.issue({ id: 2, device: 'o1', readings: [reading(3, { temperature: 50 })] })
  for (const id of [0, 1, 1]) ledger.acknowledge(id, noon)
  ledger.close(published)
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-oracle-'))
  stored = rows()
  account = {
    ...{ accepted: 6, closed: 4, open: 0, duplicate: 2, tooLate: 0, sent: 4, held: 4, refused: 0 },
    ...{ invalid: {}, dropped: {} },
  }
  promise()
  writeFileSync(join(folder, 'faults.json'), JSON.stringify(faults))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  rmSync(folder, { recursive: true, force: true })
})

function recount(demands: Demands = {}) {
  const ingest = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return check({ folder, ingest, stores: ['duckdb'], influx: undefined, demands, patienceMs: 0, withinMs: 0 })
}

const [temperature, energy] = ['o1/temperature', 'o1/energy'] as const

describe('the oracle', () => {
  it('is content with every acknowledged reading counted once, and says how the run went', async () => {
    expect(await recount({ kills: 2, repeats: 2, late: 1, amended: 1 })).toMatchObject({
      ...{ ok: true, acknowledgedLoss: 0, duplicateEffects: 0, wrong: 0, unaccounted: 0, kills: 2 },
      ...{ recoveryP50Ms: 800, recoveryP99Ms: 1200, freshAfterMs: 900, problems: [] },
      killsByVictim: { agent: { working: 1, recovering: 1 } },
    })
  })

  it('lets a message that was never acknowledged be counted', async () => {
    const [row] = stored[temperature]!
    const stddev = Math.sqrt((1 + 4 + 9 + 2500) / 4 - 14 * 14)
    Object.assign(row!, { count: 4, sum: 56, max: 50, mean: 14, stddev, last: 50, lastTs: noon + 4, p95: 50, p99: 50 })
    expect(await recount()).toMatchObject({ ok: true })
  })

  const wrongs: [string, () => void, object][] = [
    ['a window that is not there', () => delete stored[energy], { acknowledgedLoss: 1 }],
    ['a reading short', () => Object.assign(stored[temperature]![0]!, { count: 2 }), { acknowledgedLoss: 1 }],
    ['a reading counted twice', () => Object.assign(stored[temperature]![0]!, { count: 5 }), { duplicateEffects: 1 }],
    ['two rows of one window', () => stored[energy]!.push(rows()[energy][0]!), { duplicateEffects: 1 }],
    ['a row of nothing sent', () => Object.assign(stored, { 'o9/energy': rows()[energy] }), { duplicateEffects: 1 }],
    ['another sum', () => Object.assign(stored[temperature]![0]!, { sum: 6.000001 }), { wrong: 1 }],
    ['another percentile', () => Object.assign(stored[temperature]![0]!, { p95: 2 }), { wrong: 1 }],
    ['a wrong length', () => Object.assign(stored[energy]![0]!, { lengthMs: 60_000 }), { wrong: 1 }],
    ['accounts with a hole', () => Object.assign(account, { closed: 3 }), { unaccounted: 1 }],
    ['rows that hold fewer than were sent', () => Object.assign(account, { held: 3 }), { unaccounted: 1 }],
    ['fewer accepted than acknowledged', () => Object.assign(account, { accepted: 5, duplicate: 1 }), {}],
    ['something set aside', () => Object.assign(account, { accepted: 7, tooLate: 1 }), {}],
  ]
  it.each(wrongs)('finds %s', async (_what, spoil, found) => {
    spoil()
    const card = await recount()
    expect(card).toMatchObject({ ok: false, ...found })
    expect(card.problems).not.toEqual([])
  })

  it.each<[string, Demands]>([
    ['kills', { kills: 3 }],
    ['repeats', { repeats: 3 }],
    ['late readings', { late: 2 }],
    ['amended windows', { amended: 2 }],
  ])('fails a run with fewer %s than asked, however right the stores are', async (_what, demands) => {
    expect(await recount(demands)).toMatchObject({ ok: false, problems: [expect.stringContaining('too gentle')] })
  })

  it.each<[string, Partial<Published>]>([
    ['in which nothing fresh came through after the last fault', { freshAfterMs: null }],
    ['whose messages were never acknowledged', { pending: 2 }],
  ])('fails a run %s', async (_what, spoilt) => {
    writeFileSync(join(folder, 'published.json'), JSON.stringify({ ...published, ...spoilt }))
    expect(await recount()).toMatchObject({ ok: false })
  })
})
