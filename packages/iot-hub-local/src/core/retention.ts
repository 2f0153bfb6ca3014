import type { Clock, Logger } from '@millrace/pipeline'
import type { DiskCommands } from './commands.ts'
import type { DiskLogs } from './event-logs.ts'

const everyMs = 10_000
const eventsAtOnce = 5_000

export interface HouseOptions {
  events: DiskLogs
  commands: DiskCommands
  clock: Clock
  log: Logger
  retentionMs: number
}

/** Deletes what is older than the retention, and what expired in the queues, a little at a time. */
export function keepHouse({ events, commands, clock, log, retentionMs }: HouseOptions): { stop(): Promise<void> } {
  let running: Promise<void> | undefined
  let stopped = false
  const sweep = async () => {
    for (const eventLog of events.all()) {
      let dropped = eventsAtOnce
      while (dropped >= eventsAtOnce && !stopped) {
        dropped = await eventLog.dropBefore(clock.now() - retentionMs, eventsAtOnce)
      }
    }
    await commands.expireAll()
  }
  const timer = setInterval(() => {
    running ??= sweep()
      .catch((error: unknown) => log.error({ error }, 'old events were not deleted'))
      .finally(() => {
        running = undefined
      })
  }, everyMs)
  timer.unref()
  return {
    async stop() {
      stopped = true
      clearInterval(timer)
      await running
    },
  }
}
