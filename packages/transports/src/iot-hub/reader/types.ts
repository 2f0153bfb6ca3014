import type { Logger } from '@millrace/pipeline'
import type { HubEvent } from './hub-event.ts'
import type { EventHubAddress, HubReaderSettings } from './settings.ts'

/** Takes events of one partition in order; true once all are on disk or need no keeping, false once the signal is aborted. */
export type TakeEvents = (events: readonly HubEvent[], signal: AbortSignal) => Promise<boolean>

export interface HubReaderOptions {
  settings: HubReaderSettings
  address: EventHubAddress
  log: Logger
  /** Larger bodies need not be unpacked whole. */
  maxBodyBytes: number
  /** Called whenever a partition is begun, with its name, the same after every restart. */
  open(partition: string): TakeEvents
  /** Events that the hub deleted before they were read. */
  lost(events: number): void
  /** Events in which the hub tells of its devices. */
  passedOver(events: number): void
  /** How often partitions are shared out again, and those that were given up are claimed. */
  balanceEveryMs?: number
  checkpointEveryMs?: number
}

/** Reads all partitions of a hub that are not another reader's, and saves how far once that is on the taker's disk. */
export interface HubReader {
  /** Begins to connect and returns at once. */
  start(): void
  /** Undefined while every partition is read, else why not, in words that name the setting. */
  problem(): string | undefined
  /** Called on every time when the last problem has gone. */
  onSolved(callback: () => void): void
  /** Saves how far it has read; safe without `start` and twice. */
  stop(): Promise<void>
}
