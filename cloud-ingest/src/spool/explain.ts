import type { ExplainedLetter, ExplainedPart, ExplainedSource, SeriesName, SpoolExplanation } from '@millrace/contracts'
import { deadLetters, type KeptLetter, type Spool, type SqlValue } from '@millrace/spool'
import { unpackValues } from '../received.ts'
import type { Registry, SourceState } from './registry.ts'

const longestMs = 30 * 60_000
const maxMissing = 40
const maxLetters = 50
/** Letters without a time of their own are shown where they came so soon after the window. */
const graceMs = 5 * 60_000

export interface SpoolAsked {
  spool: Spool
  registry: Registry
  series: SeriesName
  /** Any moment in the window, epoch ms. */
  moment: number
  /** Names of the stores, and how far each has come in the log. */
  stores: ReadonlyMap<string, number>
}

/** What the spool knows of the window that holds a moment. */
export async function explainFromSpool(asked: SpoolAsked): Promise<SpoolExplanation> {
  const { spool, registry, series } = asked
  const parts = await partsOf(asked)
  const span = parts[0] ?? { start: Math.floor(asked.moment / 60_000) * 60_000, lengthMs: 60_000 }
  const letters = (await deadLetters.ofDevice(spool, series)).flatMap((letter) => shown(letter, series, span))
  const others = letters.length > maxLetters ? letters.slice(-maxLetters) : letters
  return {
    parts,
    completeness: await completenessOf(asked),
    sources: registry.sources().flatMap((source) => (source.site === series.site ? [sourceOf(source)] : [])),
    deadLetters: others,
  }
}

const findParts = `SELECT p.source, s.agent, s.spool, p.start, p.length, p.rev, p.count, p.refused, p.n, p.at_ms, p.row
  FROM parts AS p JOIN sources AS s ON s.id = p.source
  WHERE p.series = (SELECT id FROM series WHERE site = ?1 AND device = ?2 AND metric = ?3)
    AND p.start > ?4 - ${longestMs} AND p.start <= ?4 AND p.start + p.length > ?4 ORDER BY p.n`

async function partsOf(asked: SpoolAsked): Promise<ExplainedPart[]> {
  const { spool, series, moment } = asked
  const rows = await spool.read(findParts, [series.site, series.device, series.metric, moment])
  return await Promise.all(rows.map((row) => partOf(row, asked)))
}

async function partOf(row: SqlValue[], { spool, stores }: SpoolAsked): Promise<ExplainedPart> {
  const [source, agent, name, start, lengthMs, rev, count, refused, n, committedMs, packed] = row as [
    ...[number, string, string, number, number, number, number, number, number, number],
    string | null,
  ]
  const values = packed === null ? undefined : unpackValues(packed)
  return {
    ...{ agent, spool: name, start, lengthMs, rev, count, refused: refused === 1, committedMs },
    amended: values?.amended ?? null,
    duplicate: values?.duplicate ?? null,
    unstamped: values?.unstamped ?? null,
    message: await messageOf(spool, source, n),
    stores: await Promise.all([...stores].map(([store, cursor]) => storeOf(spool, { store, cursor, n }))),
  }
}

/** A message's rows follow each other in the log, and its trace stands at the last of them. */
async function messageOf(spool: Spool, source: number, n: number): Promise<ExplainedPart['message']> {
  const sql = `SELECT source, seq, epoch, made, settings, received_ms FROM message_traces WHERE n >= ? ORDER BY n LIMIT 1`
  const [row] = await spool.read(sql, [n])
  if (!row || row[0] !== source) return null
  const [, seq, epoch, madeMs, settingsHash, receivedMs] = row as [
    ...[number, number, string, number | null, string | null],
    number,
  ]
  return { seq, epoch, madeMs, settingsHash, receivedMs }
}

async function storeOf(
  spool: Spool,
  { store, cursor, n }: { store: string; cursor: number; n: number },
): Promise<ExplainedPart['stores'][number]> {
  const sql = 'SELECT min(at_ms) FROM store_traces WHERE store = ? AND n >= ?'
  const [row] = cursor >= n ? await spool.read(sql, [store, n]) : []
  return { store, written: cursor >= n, byMs: (row?.[0] as number | null | undefined) ?? null }
}

const findCompleteness = `SELECT s.agent, s.spool, c.boot, c.start, c.length, c.rev, c.first_seq, c.last_seq, c.messages
  FROM completeness AS c JOIN sources AS s ON s.id = c.source
  WHERE c.device = ?2 AND s.site = ?1 AND c.start > ?3 - ${longestMs} AND c.start <= ?3 AND c.start + c.length > ?3
  ORDER BY s.agent, s.spool, c.boot`

async function completenessOf({ spool, series, moment }: SpoolAsked): Promise<SpoolExplanation['completeness']> {
  return (await spool.read(findCompleteness, [series.site, series.device, moment])).map((row) => {
    const [agent, name, boot, start, lengthMs, rev, firstSeq, lastSeq, messages] = row as [
      ...[string, string, string, number, number, number, number | null, number | null, number],
    ]
    return { agent, spool: name, boot: boot === '' ? null : boot, start, lengthMs, rev, firstSeq, lastSeq, messages }
  })
}

function sourceOf({ agent, spool, received }: SourceState): ExplainedSource {
  const missing: [number, number][] = []
  let next = 0
  for (const [from, to] of received.ranges()) {
    if (from > next) missing.push([next, from - 1])
    next = to + 1
  }
  return { agent, spool, newest: received.last ?? null, missing: missing.slice(0, maxMissing), online: null }
}

function shown(letter: KeptLetter, series: SeriesName, span: { start: number; lengthMs: number }): ExplainedLetter[] {
  const { reason, nth, atMs, source, count } = letter
  const named = windowsIn(letter.body, series)
  const end = span.start + span.lengthMs
  const near = named === undefined ? atMs >= span.start && atMs < end + graceMs : named.includes(span.start)
  if (!near) return []
  return [{ reason, nth, atMs, source, readings: count, by: named === undefined ? 'arrival' : 'time' }]
}

interface Told {
  start?: unknown
  columns?: { device?: unknown[]; metric?: unknown[]; start?: unknown[] }
}

/** Starts of the series' windows that a body names; undefined where it cannot be read. */
function windowsIn(body: Uint8Array, { device, metric }: SeriesName): unknown[] | undefined {
  let told: Told | null
  try {
    told = JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined
  }
  if (told?.start !== undefined) return [told.start]
  const { columns } = told ?? {}
  if (!Array.isArray(columns?.start)) return undefined
  return columns.start.filter((_, at) => columns.device?.[at] === device && columns.metric?.[at] === metric)
}
