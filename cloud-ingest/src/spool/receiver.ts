import { type Logger, MillraceError, pause } from '@millrace/pipeline'
import type { Spooled } from '../received.ts'
import type { AddressedReceipt, Intake } from './intake.ts'

const maxGroupMessages = 64
const maxGroupBytes = 4 * 1024 * 1024
/** Beyond this, messages are let go unreceipted: their agents keep and repeat them. */
const maxQueuedBytes = 64 * 1024 * 1024
const pauseAfterFailureMs = 1_000

export interface ReceiverOptions {
  intake: Intake
  log: Logger
  /** Called after each commit. */
  committed(receipts: readonly AddressedReceipt[], messages: readonly Spooled[]): void
  /** The spool failed in a way that only a new start can mend. */
  failed(error: MillraceError): void
}

interface Queued {
  message: Spooled
  /** Called once: whether the spool has it. */
  done(kept: boolean): void
}

function isFull(error: unknown): boolean {
  return error instanceof MillraceError && error.code === 'spool-full'
}

/** Takes messages as they come and commits them in groups; those that do not fit stay their agents' duty. */
export class Receiver {
  private readonly options: ReceiverOptions
  private queue: Queued[] = []
  private queuedBytes = 0
  private wake: () => void = () => undefined
  private failure: string | undefined
  private gate: Promise<void> | undefined
  private committing: Promise<void> = Promise.resolve()
  /** Messages let go because the queue was full. */
  letGo = 0

  constructor(options: ReceiverOptions) {
    this.options = options
  }

  /** Why nothing is received at present. */
  get problem(): string | undefined {
    return this.failure
  }

  /** Resolves, never rejects: true once the message is on disk, false where it was let go. */
  async offer(message: Spooled): Promise<boolean> {
    if (this.queuedBytes + message.body.byteLength > maxQueuedBytes) {
      this.letGo++
      return false
    }
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.queue.push({ message: { ...message, receivedMs: this.options.intake.nowMs }, done: resolve })
    this.queuedBytes += message.body.byteLength
    this.wake()
    return await promise
  }

  /**
   * Nothing is committed or receipted from when this resolves until the function it returns is called; what comes
   * meanwhile waits, or stays its agent's duty.
   */
  async hold(): Promise<() => void> {
    for (let gate = this.gate; gate !== undefined; gate = this.gate) await gate
    const { promise, resolve } = Promise.withResolvers<void>()
    this.gate = promise
    await this.committing
    return () => {
      this.gate = undefined
      resolve()
    }
  }

  /** Resolves when the signal has ended and the group at hand is done. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.wake(), { once: true })
    while (!signal.aborted) {
      // Looked at in the step that takes the group: who holds the gate finds the commit that is under way.
      for (let gate = this.gate; gate !== undefined; gate = this.gate) await gate
      const group = this.takeGroup()
      this.committing = group.length > 0 ? this.commit(group, signal) : Promise.resolve()
      await this.committing
      if (group.length === 0) await this.filled(signal)
    }
    this.letQueueGo()
  }

  private async filled(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      this.wake = resolve
      if (signal.aborted || this.queue.length > 0) resolve()
    })
  }

  private takeGroup(): Queued[] {
    let bytes = 0
    let length = 0
    while (length < Math.min(this.queue.length, maxGroupMessages) && bytes < maxGroupBytes) {
      bytes += this.queue[length]!.message.body.byteLength
      length++
    }
    this.queuedBytes -= bytes
    return this.queue.splice(0, length)
  }

  private async commit(group: readonly Queued[], signal: AbortSignal): Promise<void> {
    try {
      const messages = group.map(({ message }) => message)
      const receipts = await this.options.intake.commit(messages)
      if (this.failure !== undefined) this.options.log.info({}, 'messages are received again')
      this.failure = undefined
      this.options.committed(receipts, messages)
      for (const { done } of group) done(true)
    } catch (error) {
      if (isFull(error) || group.length === 1) await this.failed(error, { group, signal })
      else await this.commitOneByOne(group, signal)
    }
  }

  /** One message that the spool cannot take must not take its neighbours with it. */
  private async commitOneByOne(group: readonly Queued[], signal: AbortSignal): Promise<void> {
    for (const one of group) {
      if (signal.aborted) one.done(false)
      else await this.commit([one], signal)
    }
  }

  /** Everything queued is let go: no receipt goes out, so the agents repeat it. */
  private async failed(error: unknown, { group, signal }: { group: readonly Queued[]; signal: AbortSignal }) {
    const message = isFull(error)
      ? 'the spool is full (spool.maxBytes), so no receipts go out'
      : `the spool failed: ${error}`
    if (this.failure !== message) this.options.log.error({ error }, message)
    this.failure = message
    for (const { done } of group) done(false)
    this.letQueueGo()
    if (error instanceof MillraceError && error.code === 'spool-failed') this.options.failed(error)
    await pause(pauseAfterFailureMs, signal).catch(() => undefined)
  }

  private letQueueGo(): void {
    const queue = this.queue
    this.queue = []
    this.queuedBytes = 0
    for (const { done } of queue) done(false)
  }
}
