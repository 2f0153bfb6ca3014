import type { Acknowledgement, Alert, RulesStatus, Silence } from '@millrace/contracts'
import type { BackoffLimits, Clock, Logger, Message } from '@millrace/pipeline'
import type { Spool, Statement } from '@millrace/spool'
import type { NotifyConfig } from './config.ts'

export interface NotifierOptions {
  config: NotifyConfig
  /** The app's own; the notifier makes its tables in it, and needs the module `deadLetters` there. */
  spool: Spool
  /** The stack's clock: grouping, reminders, silences and quiet hours follow it. Back-off is real time. */
  clock: Clock
  log: Logger
  /** Who speaks: the name of the agent, or `ingest`. Stands in every notice. */
  evaluator: string
  /** Publishes at this service's own MQTT broker, for channels of type `mqtt` without `url`; rejects while it is not up. */
  publish?: (message: Message) => Promise<void>
  /** Waits between tries of a channel that fails, real ms; 1 s to 5 min unless set. */
  backoff?: BackoffLimits
}

/** Alerts on their way into the caller's transaction. */
export interface NotifyPlan {
  /** To be part of the caller's transaction, together with what raised the alerts. */
  statements: readonly Statement[]
  /** To be called once that transaction is on disk; a plan that was not committed is just forgotten. */
  committed(): void
}

/** A silence as people ask for it; its id is made here. */
export type NewSilence = Omit<Silence, 'id'>

/**
 * Tells people and machines of alerts. Nothing is sent before it is on disk, and what was not delivered is held there:
 * after a kill between a delivery and its mark the same notice goes out again, with the same idempotency key.
 */
export interface Notifier {
  /**
   * Takes changes of alerts, in order, as `Engine.takeAlerts()` gives them; an id and `rev` known already is ignored, so
   * `Engine.active()` may be planned at every start. Costs nothing where no channel is configured. Pure until `committed`.
   */
  plan(alerts: readonly Alert[]): NotifyPlan
  /** Begins to send, with what the last run left. */
  start(): void
  /** Ends sending; what is not delivered stays on disk. To be called before the spool closes; safe without start and twice. */
  stop(): Promise<void>
  /** Changes of alerts that each channel has still to be told, and why it fails. */
  status(): RulesStatus['channels']
  /** In force or to come, those of the config file (`config-1`, ...) first. */
  silences(): Silence[]
  addSilence(silence: NewSilence): Promise<Silence>
  /** False where there is none of that id, or it stands in the config file. */
  removeSilence(id: string): Promise<boolean>
  /** Id of the silence that matches the alert now; null for none. */
  silencedBy(alert: Alert): string | null
  /** An acknowledged alert sends no reminders; its resolve is told. Null takes it back. Any alert's id is taken. */
  acknowledge(alertId: string, acknowledgement: Acknowledgement | null): Promise<void>
  acknowledgement(alertId: string): Acknowledgement | null
}

/**
 * What an item of a notice says. `passed`: it was raised and is over already, before anyone was told. `moved`: late data
 * changed its start; `replaces` is what was told before.
 */
export const noticeKinds = ['raised', 'moved', 'reminder', 'passed', 'cleared', 'withdrawn'] as const
export type NoticeKind = (typeof noticeKinds)[number]

export interface NoticeItem {
  /** `{alert id}#{rev}`: names what is told, for receivers that remember. */
  key: string
  kind: NoticeKind
  alert: Alert
  /** Id of the first alert of a chain of moves: keeps a conversation together. */
  thread: string
  /** The id it was told under before, where late data moved it to another since: this takes its place. */
  replaces: string | null
}

/** What a channel is to say once. Fixed on disk before the first try. */
export interface Notice {
  /** The same at every repetition of this notice, and of no other. */
  key: string
  channel: string
  evaluator: string
  /** When it was made, epoch ms. */
  atMs: number
  /** Of all it tells, listed or not. */
  counts: Partial<Record<NoticeKind, number>>
  /** The first few, most urgent first; all of them for a channel of states. */
  items: readonly NoticeItem[]
  /** How many more there are than `items`. */
  unlisted: number
  /** It tells what quiet hours held back. */
  afterQuiet: boolean
}

/** One way of telling. */
export interface Channel {
  /** `states`: every alert's own state at once, for machines: not grouped, reminded, limited or held by quiet hours. */
  readonly tells: 'notices' | 'states'
  /**
   * Resolves once the far side has it. Rejects with RejectedError where it will be refused every time, with
   * NotDeliveredError where it certainly did not arrive, with anything else where it may have. No error names a secret.
   */
  send(notice: Notice, signal: AbortSignal): Promise<void>
  /** Safe twice. */
  close(): Promise<void>
}

/** What a channel is created with. `create` connects to nothing. */
export interface ChannelContext {
  /** The channel's name in the config file. */
  name: string
  evaluator: string
  log: Logger
  publish?: (message: Message) => Promise<void>
  /** For a channel of states: the far side may have forgotten, every state is to be told once more. */
  stateAgain(): void
}

/** The notice certainly did not arrive: it may be made anew before the next try. */
export class NotDeliveredError extends Error {
  override readonly name = 'NotDeliveredError'
  /** What the far side asked for, ms from now. */
  readonly retryAfterMs: number
  constructor(message: string, { retryAfterMs = 0, cause }: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, cause === undefined ? {} : { cause })
    this.retryAfterMs = retryAfterMs
  }
}
