import { type DevicePlan, firstTick, tickMs } from './device.ts'
import { encodeText, topicOf } from './device-message.ts'
import { objectText } from './envelope.ts'
import type { HostLine } from './ledger/index.ts'
import type { Progress, Totals } from './progress.ts'
import type { Feed } from './publish/index.ts'
import { readingsAt } from './readings.ts'

interface MeasuredFeedParts {
  plan: DevicePlan
  progress: Progress
  totals: Totals
  boot: string
  fromMs: number
  /** Keeps what was measured before it leaves, since nobody can measure it again. */
  record(line: HostLine): void
}

/** What a measured device finds, always of the moment: what it did not measure in time is left out. */
export function createMeasuredFeed({ plan, progress, totals, boot, fromMs, record }: MeasuredFeedParts): Feed {
  const { site, device } = plan
  let tick = firstTick(plan, fromMs)
  let seq = 0
  return {
    nextMs: () => tickMs(plan, tick),
    take(nowMs) {
      const ts = Math.floor(nowMs)
      const readings = readingsAt(plan, tick, ts)
      tick = Math.max(tick + 1, firstTick(plan, ts))
      if (readings.length === 0) return undefined
      const sent = { tick: seq++, copy: 0 as const, atMs: ts }
      record({ site, device, seq: sent.tick, boot, ts, readings: Object.fromEntries(readings) })
      totals.sent++
      progress.issued(sent)
      return {
        message: { topic: topicOf(plan), body: encodeText(objectText({ tsMs: ts, seq: sent.tick, boot }, readings)) },
        settled(acknowledged) {
          if (!acknowledged) return
          totals.acked++
          progress.acked([sent])
        },
      }
    },
  }
}
