import type { AgentExplanation } from '@millrace/contracts'
import type { Message } from '@millrace/pipeline'
import type { AgentStatus } from '../status.ts'

/** Times of the windows, ms; what is absent is as the config file has it. */
export interface WindowTimes {
  lengthMs?: number
  latenessMs?: number
}

export interface SeriesName {
  site: string
  device: string
  metric?: string
  /** Any moment in a window, epoch ms. */
  start?: number
}

/** What the far side of an uplink may ask of the agent. */
export interface Remote {
  status(): Promise<AgentStatus>
  /** From now on, also after a restart; in force from the next full hour of each device's event time. */
  useWindows(times: WindowTimes): Promise<void>
  /** Makes a checkpoint, and resolves when all that was in the outbox by then is delivered, or the time is over. */
  flush(withinMs: number): Promise<{ outboxMessages: number }>
  /** What the agent knows of a device, a series or one window of it; undefined where it has not heard of the device. */
  explain(series: SeriesName): Promise<AgentExplanation | undefined>
  /** Publishes to the devices; rejects where they are no clients of this agent. */
  command(message: Message): Promise<void>
}
