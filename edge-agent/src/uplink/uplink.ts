import type { MessageKind, Receipt } from '@millrace/contracts'
import type { Clock, Logger, Message } from '@millrace/pipeline'
import type { SeriesWish } from '../names.ts'
import type { Remote } from './remote.ts'

/** What ends the agent's duty for a message: a receipt of the ingest, or that the far side's transport has it. */
export type Custody = 'receipt' | 'acknowledged'

/** Small blobs by key that outlive a restart, in the agent's spool. */
export interface UplinkState {
  load(key: string): Promise<Uint8Array | undefined>
  save(key: string, bytes: Uint8Array): Promise<void>
}

export interface UplinkContext {
  agent: string
  /** Site of the agent itself, under which its status stands. */
  site: string
  /** Published in the agent's name when it vanishes. */
  will: Message
  log: Logger
  /** The stack's clock. */
  clock: Clock
  /** Name of the agent's spool, which with site and number names a message. */
  spool: string
  state: UplinkState
}

export interface UplinkHandlers {
  onReceipt(site: string, receipt: Receipt): void
  /** Called on each connection, once receipts can arrive. */
  onConnect(): void
  /** What the far side may ask of the agent. */
  remote: Remote
}

export interface Outgoing {
  site: string
  kind: MessageKind
  /** Of a message of the outbox. */
  seq?: number
  /** The spool that numbered it; absent: the agent's own. */
  spool?: string
  body: Uint8Array
  retain?: boolean
}

const usualStatusMs = 10_000

/** How often the status goes over it, ms. */
export function statusEveryOf({ statusEveryMs = usualStatusMs }: Pick<Uplink, 'statusEveryMs'>): number {
  return statusEveryMs
}

/** Where the agent sends. */
export interface Uplink {
  readonly custody: Custody
  /** Begins to connect; a far side that is away is no error. */
  start(handlers: UplinkHandlers): Promise<void>
  /**
   * Resolves when the far side's transport has the message, however many connections that takes; rejects on `stop`,
   * where `withdrawn` takes it back while there is no connection, and with RejectedError where the far side will not
   * take it as it is.
   */
  send(message: Outgoing, withdrawn?: AbortSignal): Promise<void>
  /** Sends if connected, else forgets: for what the next second replaces. */
  offer(message: Outgoing): void
  readonly connected: boolean
  /** Why the last try to connect failed; null while connected. */
  readonly lastError: string | null
  /** The certificate that this agent shows, with its end, epoch ms; absent: none, or none of a file of ours. */
  readonly certificates?: readonly { setting: string; notAfterMs: number }[]
  /** Says goodbye; safe without `start` and twice. */
  stop(): Promise<void>
  /** Which series' live readings and provisional summaries are wanted; absent or undefined: all, 'none': not one. */
  wants?(): SeriesWish | undefined
  /** How often the status is sent, ms; absent: every 10 s. */
  readonly statusEveryMs?: number
  /** How long what closes may be gathered, so that messages are fuller, ms; absent or 0: no longer than ever. */
  gatherMs?(): number
  /** What it has to say beyond `connected` and `lastError`. */
  detail?(): Record<string, unknown>
}
