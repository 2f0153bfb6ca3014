import type { Alert } from '@millrace/contracts'
import type { SqlValue, Statement } from '@millrace/spool'

/** REPLACE gives the row a new `n`, so that readers of the log find it again. */
const upsertAlert = `INSERT OR REPLACE INTO alerts (id, rev, site, device, rule, severity, owner, state, start, at_ms, body)
  SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11
  WHERE NOT EXISTS (SELECT 1 FROM alerts WHERE id = ?1 AND rev >= ?2)`

function alertRow(alert: Alert, atMs: number): SqlValue[] {
  const { id, rev, site, device, rule, severity, owner, state, start } = alert
  return [id, rev, site, device ?? '-', rule, severity, owner, state, start, atMs, JSON.stringify(alert)]
}

/** The newest `rev` of each id stands, whatever the order in which they come; `atMs` is when they came. */
export function saveAlerts(alerts: readonly Alert[], atMs: number): Statement[] {
  if (alerts.length === 0) return []
  return [{ sql: upsertAlert, rows: alerts.map((alert) => alertRow(alert, atMs)) }]
}
