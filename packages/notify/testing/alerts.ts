import type { Alert } from '@millrace/contracts'

export const t0 = Date.parse('2026-03-02T12:00:00Z')

/** An active alert of rule `warm` at device `d` of site `s`, its id as engines make it. */
export function alertOf(change: Partial<Alert> = {}): Alert {
  const { rule = 'warm', site = 's', device = 'd', metric = 'temperature', start = t0 } = change
  return {
    id: `${rule}/${site}/${device ?? '-'}/${metric ?? '-'}/${start}`,
    rev: 0,
    change: 'raised',
    state: 'active',
    rule,
    version: 'abcdef012345',
    owner: 'cloud',
    cause: 'value',
    severity: 'warning',
    site,
    device,
    metric,
    agent: 'pi',
    start,
    raised: start + 60_000,
    end: null,
    learned: start + 61_000,
    value: 9.5,
    threshold: 8,
    unit: 'Cel',
    message: `${device} ${metric} is 9.5 Cel, above 8`,
    labels: {},
    movedFrom: null,
    ...change,
  }
}

/** The next revision of an alert. */
export function next(alert: Alert, change: Partial<Alert>): Alert {
  return { ...alert, rev: alert.rev + 1, learned: alert.learned + 60_000, ...change }
}

export function cleared(alert: Alert): Alert {
  return next(alert, { change: 'cleared', state: 'cleared', end: alert.raised + 60_000 })
}

export function withdrawn(alert: Alert): Alert {
  return next(alert, { change: 'withdrawn', state: 'withdrawn' })
}

export function activeAgain(alert: Alert): Alert {
  return next(alert, { change: 'raised', state: 'active', end: null })
}

/** Late data moved its start by `ms`. */
export function moved(alert: Alert, ms: number): Alert {
  const { id, ...same } = alert
  const { id: movedId } = alertOf({ ...same, start: alert.start + ms })
  return { ...same, id: movedId, rev: 0, change: 'moved', start: alert.start + ms, movedFrom: id }
}
