import type { DuckDBConnection } from '@duckdb/node-api'
import type { Alert } from '@millrace/contracts'
import type { CompletenessRow, StoreBatch, StoredRow } from '../stored.ts'
import { alertTable, type BootRow, completenessTable, selectList, summaryTable } from './duckdb-tables.ts'

/** The table's rows as they come off the disk. */
export async function* exportRows(connection: DuckDBConnection, table: string): AsyncIterable<StoreBatch> {
  const found = await connection.stream(`SELECT ${selectList(summaryTable)} FROM "${table}" t`)
  for await (const rows of found.yieldRowObjectJs()) yield { rows: rows as unknown as StoredRow[], completeness: [] }
}

/** Rows of runs put together by window; all runs of one follow each other. */
export async function* exportCompleteness(connection: DuckDBConnection, table: string): AsyncIterable<StoreBatch> {
  const order = 'ORDER BY start, "lengthMs", site, device, boot NULLS FIRST'
  const found = await connection.stream(`SELECT ${selectList(completenessTable)} FROM "${table}" t ${order}`)
  const gathered = new Windows()
  for await (const runs of found.yieldRowObjectJs()) {
    const completeness = gathered.take(runs as unknown as BootRow[])
    if (completeness.length > 0) yield { rows: [], completeness }
  }
  yield { rows: [], completeness: gathered.rest() }
}

export type AlertRow = Omit<Alert, 'labels'> & { labels: string }

export const toAlert = ({ labels, ...row }: AlertRow): Alert => ({ ...row, labels: JSON.parse(labels) })

export async function* exportAlerts(connection: DuckDBConnection): AsyncIterable<Alert[]> {
  const found = await connection.stream(`SELECT ${selectList(alertTable)} FROM alert t`)
  for await (const rows of found.yieldRowObjectJs()) yield (rows as unknown as AlertRow[]).map(toAlert)
}

/** Runs of one window, which may be split between two chunks. */
class Windows {
  private open: CompletenessRow | undefined

  /** The windows that are whole. */
  take(runs: readonly BootRow[]): CompletenessRow[] {
    const whole: CompletenessRow[] = []
    for (const { boot, firstSeq, lastSeq, messages, ...window } of runs) {
      const share = { boot, firstSeq, lastSeq, messages }
      if (this.open && isSame(this.open, window)) this.open.boots.push(share)
      else {
        whole.push(...this.rest())
        this.open = { ...window, boots: [share] }
      }
    }
    return whole
  }

  rest(): CompletenessRow[] {
    return this.open ? [this.open] : []
  }
}

function isSame(a: CompletenessRow, b: Omit<CompletenessRow, 'boots'>): boolean {
  return a.start === b.start && a.lengthMs === b.lengthMs && a.device === b.device && a.site === b.site
}
