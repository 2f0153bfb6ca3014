import { type Alert, type AlertsBody, maxBodyBytes } from '@millrace/contracts'
import type { OutgoingRecord } from '../checkpoint.ts'
import type { BodyHead } from './body.ts'

/** Field names, brackets and the longest head. */
const emptyBodyBytes = 512

/** Alerts of one site in bodies under the limit, in order. */
export function alertMessages(alerts: readonly Alert[], head: BodyHead, takeSeq: () => number): OutgoingRecord[] {
  return split(alerts).map((part) => {
    const seq = takeSeq()
    const body: AlertsBody = { v: 1, ...head, seq, alerts: part }
    return { site: head.site, seq, kind: 'alerts', bytes: Buffer.from(JSON.stringify(body)), after: [], added: [] }
  })
}

function split(alerts: readonly Alert[]): Alert[][] {
  const parts: Alert[][] = []
  let room = 0
  for (const alert of alerts) {
    const bytes = Buffer.byteLength(JSON.stringify(alert)) + 1
    if (bytes > room) {
      parts.push([])
      room = maxBodyBytes - emptyBodyBytes
    }
    parts.at(-1)!.push(alert)
    room -= bytes
  }
  return parts
}
