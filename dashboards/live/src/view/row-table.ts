import type { ApiSummary } from '@millrace/contracts'
import { formatCount, formatLength, formatLocal, formatUtc, formatValue } from '../model/format.ts'
import type { Span } from '../model/range.ts'
import { firstEndingAfter } from '../model/rows.ts'
import { h } from './dom.ts'

const maxRows = 240
const columns = ['start', 'length', 'readings', 'mean', 'min', 'max', 'p50', 'p95', 'p99', 'state']

function cells(metric: string, row: ApiSummary): string[] {
  const values = [row.mean, row.min, row.max, row.p50, row.p95, row.p99].map((value) => formatValue(metric, value))
  const state = row.provisional ? 'open' : row.rev ? `revision ${row.rev}` : 'closed'
  return [formatLocal(row.start), formatLength(row.lengthMs), formatCount(row.count), ...values, state]
}

/** The newest rows in view, as text. */
export function rowTable(metric: string, rows: readonly ApiSummary[], { from, to }: Span): HTMLTableElement {
  const inView = rows.slice(firstEndingAfter(rows, from)).filter((row) => row.start < to)
  const head = h('thead', {}, h('tr', {}, ...columns.map((name) => h('th', { scope: 'col' }, name))))
  const body = inView
    .slice(-maxRows)
    .reverse()
    .map((row) => {
      const [start = '', ...rest] = cells(metric, row)
      const first = h('th', { scope: 'row', title: formatUtc(row.start) }, start)
      return h('tr', { 'data-open': row.provisional }, first, ...rest.map((text) => h('td', {}, text)))
    })
  const caption = h(
    'caption',
    {},
    `Newest ${body.length} of ${inView.length} rows in view, in the zone of this computer`,
  )
  return h('table', {}, caption, head, h('tbody', {}, ...body))
}
