import type { ApiAlert } from '@millrace/contracts'
import { expect, it } from 'vitest'
import { accountsLine } from './accounts-line.ts'

const view = { outbox: 3, uplink: true, nowMs: Date.UTC(2026, 0, 5, 12) }
const alert = (rule: string, severity: string, device: string | null) =>
  ({ rule, severity, site: 'works', device }) as ApiAlert

it('counts active alerts and names the most urgent one', () => {
  const alerts = [
    alert('draught', 'info', 'hall'),
    alert('frost', 'critical', 'store'),
    alert('warm', 'warning', 'store'),
  ]
  expect(accountsLine({ ...view, alerts })).toContain('| 3 alerts: frost works/store |')
  expect(accountsLine({ ...view, alerts: [alert('stale', 'info', null)] })).toContain('| 1 alert: stale works |')
  expect(accountsLine({ ...view, alerts: [] })).toContain('| no alerts |')
})

it('says nothing of alerts where nothing is watched', () => {
  expect(accountsLine(view)).toBe('2026-01-05 12:00:00 UTC | ingest away | outbox 3 | uplink on')
})
