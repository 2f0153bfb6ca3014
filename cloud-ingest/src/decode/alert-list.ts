import { type Alert, alertSchema } from '@millrace/contracts'
import type { SetAside } from '../received.ts'
import { isTime } from './sound.ts'

const isMoment = (ms: number) => Number.isSafeInteger(ms) && isTime(ms)

/** An agent tells of its own rules and of its own site alone: the id is what one alert replaces another by. */
function isSound(alert: Alert, site: string): boolean {
  const { id, rule, owner, start, raised, end, learned } = alert
  const own = alert.site === site && owner === 'edge' && id.startsWith(`${rule}/${site}/`)
  return own && [start, raised, learned, end ?? start].every(isMoment)
}

/** Judges alerts one by one, so a bad one leaves its neighbours. Undefined where there is no list. */
export function readAlerts(value: unknown, site: string): { alerts: Alert[]; setAside: SetAside[] } | undefined {
  if (!Array.isArray(value)) return undefined
  const found: { alerts: Alert[]; setAside: SetAside[] } = { alerts: [], setAside: [] }
  for (const item of value) {
    const { data } = alertSchema.safeParse(item)
    if (data && isSound(data, site)) found.alerts.push(data)
    else found.setAside.push({ reason: 'bad-body', device: data?.device ?? null, count: 0 })
  }
  return found
}
