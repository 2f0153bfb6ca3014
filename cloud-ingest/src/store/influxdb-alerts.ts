import { createHash } from 'node:crypto'
import type { Alert } from '@millrace/contracts'
import type { IPoint } from 'influx'
import type { ResultSeries } from './influxdb-client.ts'

const nsPerMs = 1_000_000

/**
 * A point is known by its tags and its time alone, and two rules may find the same series bad from the same moment on:
 * so the time is the start plus nanoseconds that come from the id, always the same ones.
 */
function timeOf({ id, start }: Alert): string {
  const offset = createHash('sha256').update(id).digest().readUInt32BE(0) % nsPerMs
  return `${start}${String(offset).padStart(6, '0')}`
}

const plain = (text: string) => text.replace(/[\r\n]/g, ' ')

/** In the words of the `influx` client. */
export function toAlertPoint(alert: Alert): IPoint {
  const { site, device, metric, start: _start, end, value, threshold, agent, movedFrom, labels, ...rest } = alert
  const numbers = { value, threshold }
  return {
    measurement: 'alert',
    tags: { site, device: device ?? '-', metric: metric ?? '-' },
    fields: {
      ...rest,
      ...Object.fromEntries(Object.entries(numbers).filter(([, number]) => number !== null)),
      ...{ end: end ?? 0, agent: agent ?? '', movedFrom: movedFrom ?? '' },
      ...{ unit: plain(alert.unit), message: plain(alert.message), labels: plain(JSON.stringify(labels)) },
    },
    timestamp: timeOf(alert),
  }
}

export const selectAllAlerts = 'SELECT * FROM "history"."alert"'

export function selectAlerts({ from, to }: { from: number; to: number }): string {
  return `${selectAllAlerts} WHERE time >= ${Math.floor(from)}ms AND time < ${Math.floor(to)}ms`
}

const orNull = (text: unknown) => (text === '' || text === '-' ? null : text)

/** The nanoseconds are gone from times in ms. */
export function toAlerts(results: readonly ResultSeries[]): Alert[] {
  const rows = results.flatMap(({ columns, values }) =>
    values.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index]]))),
  )
  const alerts = rows.map(({ time, ...fields }) => ({
    ...fields,
    ...{ start: time, end: fields.end === 0 ? null : fields.end, labels: JSON.parse(String(fields.labels)) },
    ...{ device: orNull(fields.device), metric: orNull(fields.metric) },
    ...{ agent: orNull(fields.agent), movedFrom: orNull(fields.movedFrom) },
    ...{ value: fields.value ?? null, threshold: fields.threshold ?? null },
  })) as unknown as Alert[]
  return alerts.sort((a, b) => a.start - b.start || (a.id < b.id ? -1 : 1))
}
