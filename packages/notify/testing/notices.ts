import type { Alert } from '@millrace/contracts'
import type { Notice } from '../src/types.ts'
import { alertOf } from './alerts.ts'

/** A notice that raises these alerts. */
export function noticeOf(key: string, alerts: readonly Alert[] = [alertOf()]): Notice {
  return {
    key,
    channel: 'ops',
    evaluator: 'ingest',
    atMs: Date.parse('2026-03-02T12:01:10Z'),
    counts: { raised: alerts.length },
    items: alerts.map((alert) => ({
      key: `${alert.id}#${alert.rev}`,
      kind: 'raised',
      alert,
      thread: alert.id,
      replaces: null,
    })),
    unlisted: 0,
    afterQuiet: false,
  }
}
