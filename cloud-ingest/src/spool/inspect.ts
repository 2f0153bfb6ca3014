import type { InspectedIngestSpool, InspectedOtherSpool } from '@millrace/contracts'
import { deadLetters, readSpool, type Spool } from '@millrace/spool'
import { RangeSet } from '@millrace/windows'
import { application } from './tables.ts'

type Facts = InspectedIngestSpool
type Reading = Pick<Spool, 'read'>

/** Everything in the spool of a folder that can be told; changes nothing. */
export async function inspectSpool(folder: string): Promise<InspectedIngestSpool | InspectedOtherSpool> {
  const reader = readSpool(folder)
  try {
    if (reader.facts.application !== application) return { kind: 'other', ...reader.facts }
    const found: Partial<Facts> = await reader.sections(sections)
    return { kind: 'ingest', ...reader.facts, ...found }
  } finally {
    reader.close()
  }
}

const sections: Record<string, (spool: Spool) => Promise<unknown>> = {
  logHead,
  sources,
  parts,
  completeness: (spool) => countOf(spool, 'completeness'),
  accounts,
  stores,
  dirty,
  alerts,
  marks: (spool) => countOf(spool, 'marks'),
  letters: (spool) => deadLetters.inspect(spool),
}

async function countOf(spool: Reading, table: string): Promise<number> {
  return Number((await spool.read(`SELECT count(*) FROM ${table}`))[0]?.[0])
}

async function logHead(spool: Reading): Promise<number> {
  const [row] = await spool.read("SELECT position FROM cursors WHERE name = 'log-head'")
  return Number(row?.[0] ?? 0)
}

async function sources(spool: Reading): Promise<Facts['sources']> {
  const rows = await spool.read('SELECT site, agent, spool, received, at_ms FROM sources ORDER BY site, agent, at_ms')
  return rows.map(([site, agent, name, received, lastMs]) => {
    const ranges = RangeSet.decode(received as Uint8Array).ranges()
    return {
      ...{ site: String(site), agent: String(agent), spool: String(name), lastMs: Number(lastMs) },
      ...{ received: ranges, holes: holesIn(ranges) },
    }
  })
}

function holesIn(ranges: readonly [number, number][]): [number, number][] {
  return ranges.flatMap(([from], at): [number, number][] => {
    const next = at === 0 ? 0 : ranges[at - 1]![1] + 1
    return from > next ? [[next, from - 1]] : []
  })
}

async function parts(spool: Reading): Promise<Facts['parts']> {
  const [row] = await spool.read(`SELECT count(DISTINCT series), count(*), coalesce(sum(count), 0),
    coalesce(sum(refused), 0), coalesce(sum(late), 0), min(start), max(start + length) FROM parts`)
  const [series, all, readings, refused, late, fromMs, toMs] = row as [
    ...[number, number, number, number, number, number | null],
    number | null,
  ]
  return { series, parts: all, readings, refused, late, fromMs, toMs }
}

async function accounts(spool: Reading): Promise<Facts['accounts']> {
  const sql = `SELECT s.site, a.device, s.agent, s.spool, a.seq, a.sent, a.held, a.refused
    FROM accounts AS a JOIN sources AS s ON s.id = a.source ORDER BY s.site, a.device, s.agent, s.spool`
  return (await spool.read(sql)).map((row) => {
    const [site, device, agent, name, seq, sent, held, refused] = row as [
      ...[string, string, string, string, number, number, number, number],
    ]
    return { site, device, agent, spool: name, seq, sent, held, refused }
  })
}

/** A store's own cursor stands under its bare name; other readers' have a slash or a name of ours. */
async function stores(spool: Reading): Promise<Facts['stores']> {
  const head = await logHead(spool)
  const sql = `SELECT name, position FROM cursors WHERE name IN (SELECT DISTINCT store FROM store_traces) ORDER BY name`
  return (await spool.read(sql)).map(([store, cursor]) => {
    return { store: String(store), cursor: Number(cursor), behind: Math.max(0, head - Number(cursor)) }
  })
}

async function dirty(spool: Reading): Promise<Facts['dirty']> {
  const rows = await spool.read('SELECT store, tier, count(*) FROM dirty GROUP BY store, tier ORDER BY store, tier')
  return rows.map(([store, tier, spans]) => ({ store: String(store), tier: String(tier), spans: Number(spans) }))
}

async function alerts(spool: Reading): Promise<Facts['alerts']> {
  const rows = await spool.read('SELECT state, count(*) FROM alerts GROUP BY state ORDER BY state')
  return Object.fromEntries(rows.map(([state, count]) => [String(state), Number(count)]))
}
