import { cursors, type DeadLetter, deadLetters, type Spool, type SqlValue, type Statement } from '@millrace/spool'
import type {
  ChangedWindow,
  ChangeLog,
  Changes,
  DirtySpan,
  ResolvedWindow,
  RollupTier,
  Settlement,
} from '../changes.ts'
import { unpackValues } from '../received.ts'
import type { BootShare, CompletenessRow, Refusal } from '../stored.ts'
import type { Registry } from './registry.ts'
import { passed } from './traces.ts'

const changedParts = `SELECT q.series, q.start, q.length, s.agent, s.spool, q.rev, q.changes, q.n, q.late, q.row
  FROM (SELECT DISTINCT series, start, length FROM parts WHERE n > ? AND n <= ?) AS p
  JOIN parts AS q USING (series, start, length) JOIN sources AS s ON s.id = q.source
  WHERE q.row IS NOT NULL ORDER BY q.series, q.start, q.length, q.n`

const changedCompleteness = `SELECT s.site, q.device, q.start, q.length, q.boot, q.first_seq, q.last_seq, q.messages, q.changes
  FROM (SELECT DISTINCT s.site, c.device, c.start, c.length FROM completeness AS c JOIN sources AS s ON s.id = c.source
    WHERE c.n > ? AND c.n <= ?) AS p
  JOIN completeness AS q USING (device, start, length) JOIN sources AS s ON s.id = q.source AND s.site = p.site
  ORDER BY s.site, q.device, q.start, q.length, q.boot`

const nextChange = `SELECT min(n) FROM (SELECT min(n) AS n FROM parts WHERE n > ?1
  UNION ALL SELECT min(n) FROM completeness WHERE n > ?1)`

const markRefused = `UPDATE parts SET refused = 1 WHERE n <= ?1 AND start = ?2 AND length = ?3
  AND series = (SELECT id FROM series WHERE site = ?4 AND device = ?5 AND metric = ?6)`

const replaceStored = `UPDATE parts SET replaced = ?, changes = changes + ? WHERE series = ? AND start = ? AND length = ?
  AND late = 1 AND source = (SELECT id FROM sources WHERE site = ? AND agent = ? AND spool = ?)`

const resolveLate = 'UPDATE parts SET late = 0 WHERE series = ? AND start = ? AND length = ?'

/** The parts of the spool as a log of changed windows. */
export class SpoolLog implements ChangeLog {
  private readonly spool: Spool
  private readonly registry: Registry
  private readonly committed: () => number
  private readonly waiting = new Set<() => void>()

  /** `head` tells the newest committed place. */
  constructor(spool: Spool, registry: Registry, head: () => number) {
    this.spool = spool
    this.registry = registry
    this.committed = head
  }

  head(): number {
    return this.committed()
  }

  /** Wakes who waits for `changed`. */
  wake(): void {
    for (const resolve of this.waiting) resolve()
    this.waiting.clear()
  }

  async changed(after: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.head() > after) return
    await new Promise<void>((resolve) => {
      this.waiting.add(resolve)
      signal.addEventListener('abort', () => {
        this.waiting.delete(resolve)
        resolve()
      })
    })
  }

  async cursor(store: string): Promise<number> {
    return (await cursors.load(this.spool, store)) ?? 0
  }

  /** A change replaces its predecessor in the log, so long stretches of it may be empty: they are skipped. */
  async read(after: number, limit: number): Promise<Changes> {
    const head = this.head()
    const [next] = await this.spool.read(nextChange, [after])
    const first = next?.[0] as number | null
    if (first === null || first > head) return { upTo: head, windows: [], completeness: [] }
    const upTo = Math.min(first + limit - 1, head)
    const windows = this.toWindows(await this.spool.read(changedParts, [after, upTo]))
    return { upTo, windows, completeness: toCompleteness(await this.spool.read(changedCompleteness, [after, upTo])) }
  }

  async settle({ store, upTo, atMs, dirty, refusals, accountable }: Settlement): Promise<void> {
    const marks = dirty.map(({ tier, seriesId, start }) => [store, tier, start, seriesId])
    const refused = accountable ? refusals.map(({ row }) => refusedKey(upTo, row)) : []
    const statements: Statement[] = [
      { sql: 'INSERT OR IGNORE INTO dirty VALUES (?, ?, ?, ?)', rows: marks },
      { sql: markRefused, rows: refused },
    ]
    const filled = statements.filter(({ rows }) => rows.length > 0)
    const letters = deadLetters.add(...refusals.map((refusal) => letterOf(store, refusal)))
    await this.spool.write([...filled, ...letters, ...passed(store, upTo, atMs), ...cursors.save(store, upTo)], {
      reserve: true,
    })
  }

  async resolveLate(found: readonly ResolvedWindow[]): Promise<void> {
    const key = ({ seriesId, start, lengthMs }: ChangedWindow) => [seriesId, start, lengthMs]
    const replaced = found.flatMap(({ window, replaces }) => {
      if (!replaces) return []
      return [[replaces.count, replaces.rev + 1, ...key(window), window.site, replaces.agent, replaces.spool]]
    })
    const statements = [
      { sql: replaceStored, rows: replaced },
      { sql: resolveLate, rows: found.map(({ window }) => key(window)) },
    ]
    await this.spool.write(
      statements.filter(({ rows }) => rows.length > 0),
      { reserve: true },
    )
  }

  async dirty(store: string, tier: RollupTier, limit: number): Promise<DirtySpan[]> {
    const sql = 'SELECT series, start FROM dirty WHERE store = ? AND tier = ? ORDER BY start DESC LIMIT ?'
    const rows = (await this.spool.read(sql, [store, tier, limit])) as [number, number][]
    return rows.map(([seriesId, start]) => ({ ...this.nameOf(seriesId), tier, seriesId, start }))
  }

  async clean(store: string, spans: readonly DirtySpan[]): Promise<void> {
    const rows = spans.map(({ tier, start, seriesId }) => [store, tier, start, seriesId])
    const sql = 'DELETE FROM dirty WHERE store = ? AND tier = ? AND start = ? AND series = ?'
    if (rows.length > 0) await this.spool.write([{ sql, rows }], { reserve: true })
  }

  private nameOf(seriesId: number) {
    const { site, device, metric } = this.registry.seriesOf(seriesId)
    return { site, device, metric }
  }

  private toWindows(rows: readonly SqlValue[][]): ChangedWindow[] {
    const windows: ChangedWindow[] = []
    for (const row of rows) {
      const [seriesId, start, lengthMs, agent, spool, rev, changes, n, late, values] = row as [
        ...[number, number, number, string, string, number, number, number, number],
        string,
      ]
      let window = windows.at(-1)
      if (window?.seriesId !== seriesId || window.start !== start || window.lengthMs !== lengthMs) {
        const { unit } = this.registry.seriesOf(seriesId)
        window = { ...this.nameOf(seriesId), seriesId, unit, start, lengthMs, parts: [] }
        windows.push(window)
      }
      window.parts.push({ agent, spool, rev, changes, n, late: late === 1, values: unpackValues(values) })
    }
    return windows
  }
}

function refusedKey(upTo: number, { start, lengthMs, site, device, metric }: Refusal['row']): SqlValue[] {
  return [upTo, start, lengthMs, site, device, metric]
}

function letterOf(store: string, { row, reason, detail }: Refusal): DeadLetter {
  const body = Buffer.from(JSON.stringify(row))
  const { device, site, count } = row
  return { atMs: row.start, reason, source: `${store}: ${detail}`, device, site, count, body }
}

/** Shares of one boot seen by several agents become one. */
function merge(shares: readonly BootShare[], next: BootShare): BootShare[] {
  const last = shares.at(-1)
  if (last === undefined || last.boot !== next.boot) return [...shares, next]
  const known = last.firstSeq !== null && next.firstSeq !== null && last.lastSeq !== null && next.lastSeq !== null
  const merged = {
    boot: last.boot,
    firstSeq: known ? Math.min(last.firstSeq!, next.firstSeq!) : null,
    lastSeq: known ? Math.max(last.lastSeq!, next.lastSeq!) : null,
    messages: last.messages + next.messages,
  }
  return [...shares.slice(0, -1), merged]
}

function toCompleteness(rows: readonly SqlValue[][]): CompletenessRow[] {
  const found: CompletenessRow[] = []
  for (const row of rows) {
    const [site, device, start, lengthMs, boot, firstSeq, lastSeq, messages, changes] = row as [
      ...[string, string, number, number, string, number | null, number | null, number, number],
    ]
    const share = { boot: boot === '' ? null : boot, firstSeq, lastSeq, messages }
    const known = found.at(-1)
    if (known?.site === site && known.device === device && known.start === start && known.lengthMs === lengthMs) {
      known.boots = merge(known.boots, share)
      known.rev += changes + 1
    } else found.push({ site, device, start, lengthMs, rev: changes, boots: [share] })
  }
  return found
}
