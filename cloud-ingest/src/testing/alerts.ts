import type { Alert, AlertsBody } from '@millrace/contracts'
import { noon } from './rows.ts'

/** An alert of a threshold rule, judged at the edge unless told otherwise. */
export function alertOf(spec: Partial<Alert> = {}): Alert {
  const { rule = 'warm', site = 'north', device = 'pump', metric = 'temperature', start = noon } = spec
  return {
    ...{ id: `${rule}/${site}/${device ?? '-'}/${metric ?? '-'}/${start}`, rev: 0, change: 'raised', state: 'active' },
    ...{ rule, version: '0123456789ab', owner: 'edge', cause: 'value', severity: 'warning', site, device, metric },
    ...{ agent: 'edge', start, raised: start + 60_000, end: null, learned: start + 61_000, value: 21.5 },
    ...{ threshold: 20, unit: '°C', message: 'too warm', labels: {}, movedFrom: null },
    ...spec,
  }
}

/** A body as an agent sends it. */
export function alertsBody(alerts: readonly unknown[], spec: Partial<AlertsBody> = {}): AlertsBody {
  const head = { v: 1 as const, agent: 'edge', spool: 'spool-a', epoch: 'e1', seq: 0, site: 'north' }
  return { ...head, ...spec, alerts: alerts as Alert[] }
}
