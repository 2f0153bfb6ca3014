import { cursors, type Spool, type SqlValue } from '@millrace/spool'
import type { DeviceStock, SpanOf, Stock, Unchecked } from '../stock.ts'
import { keepPartsMs, latenessMarginMs } from './group.ts'
import { knownFrom } from './intake.ts'

/** Numbers are bound as reals. */
const changed = `SELECT DISTINCT start / CAST(?3 AS INTEGER) * CAST(?3 AS INTEGER) FROM parts WHERE n > ?1 AND n <= ?2`

/**
 * By series, so that each span is one stretch of the parts' key. Of a refused revision a store may have an earlier one,
 * or none: its device is left out.
 */
const held = `SELECT s.site, s.device, sum(p.count), max(p.n)
  FROM series AS s CROSS JOIN parts AS p ON p.series = s.id AND p.start >= ?1 AND p.start < ?2
  WHERE p.row IS NOT NULL AND p.n <= ?3 GROUP BY s.site, s.device HAVING max(p.refused) = 0`

/** Counts what the spool holds by queries of its own, so that a row which is lost on its way to a store is missed. */
export class SpoolStock implements Stock {
  private readonly spool: Spool

  constructor(spool: Spool) {
    this.spool = spool
  }

  async changed(after: number, upTo: number, lengthMs: number): Promise<number[]> {
    return (await this.spool.read(changed, [after, upTo, lengthMs])).map(([start]) => Number(start))
  }

  async held({ store, from, to, upTo = Number.MAX_SAFE_INTEGER }: SpanOf): Promise<DeviceStock[]> {
    const skipped = await this.spool.read('SELECT site, device FROM unchecked WHERE store = ? AND start = ?', [
      store,
      from,
    ])
    const skip = new Set(skipped.map(([site, device]) => `${site}/${device}`))
    const rows = (await this.spool.read(held, [from, to, upTo])) as [string, string, number, number][]
    return rows
      .map(([site, device, readings, n]) => ({ site, device, readings, n }))
      .filter(({ site, device }) => !skip.has(`${site}/${device}`))
  }

  async wholeFrom(nowMs: number): Promise<number> {
    const known = (await cursors.load(this.spool, knownFrom)) ?? Number.NEGATIVE_INFINITY
    return Math.max(known, nowMs - keepPartsMs + latenessMarginMs)
  }

  async leave(devices: readonly Unchecked[], before: number): Promise<void> {
    const rows: SqlValue[][] = devices.map(({ store, start, site, device }) => [store, start, site, device])
    await this.spool.write(
      [
        { sql: 'INSERT OR IGNORE INTO unchecked VALUES (?, ?, ?, ?)', rows },
        { sql: 'DELETE FROM unchecked WHERE start < ?', rows: [[before]] },
      ],
      { reserve: true },
    )
  }
}
