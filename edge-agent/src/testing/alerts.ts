import type { Alert } from '@millrace/contracts'

/** An alert as an engine would give it, with what a test cares about. */
export function alertOf(given: Partial<Alert> = {}): Alert {
  const { rule = 'warm', site = 'hall', device = 'd1', metric = 'temperature', start = 0 } = given
  return {
    ...{ id: `${rule}/${site}/${device ?? '-'}/${metric ?? '-'}/${start}`, rev: 0, change: 'raised', state: 'active' },
    ...{ rule, version: '0123456789ab', owner: 'edge', cause: 'value', severity: 'warning' },
    ...{ site, device, metric, agent: 'edge-1', start, raised: start + 60_000, end: null, learned: start + 61_000 },
    ...{ value: 9, threshold: 8, unit: '°C', message: 'warm', labels: {}, movedFrom: null },
    ...given,
  }
}
