import type { Alert } from '@millrace/contracts'

export const minuteMs = 60_000
export const t0 = Date.UTC(2026, 0, 5, 12)

/** An alert between minutes after `t0`; without the second it is still active. */
export function alertOf(rule: string, [from, to]: [number, number?], more: Partial<Alert> = {}): Alert {
  const start = t0 + from * minuteMs
  return {
    ...{ id: `${rule}/s/d/m/${start}`, rev: 0, change: 'raised', state: to === undefined ? 'active' : 'cleared', rule },
    ...{ version: 'v', owner: 'cloud', cause: 'value', severity: 'warning', site: 's', device: 'd', metric: 'm' },
    ...{ agent: null, start, raised: start + minuteMs, end: to === undefined ? null : t0 + to * minuteMs, learned: 0 },
    ...{ value: 9.123456, threshold: 8, unit: '°C', message: 'warm', labels: {}, movedFrom: null },
    ...more,
  }
}
