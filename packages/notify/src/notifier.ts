import { randomUUID } from 'node:crypto'
import type { Acknowledgement, Alert, RulesStatus, Silence } from '@millrace/contracts'
import { deadLetters, type Spool, type Statement } from '@millrace/spool'
import type { Delivery, Outcome } from './delivery.ts'
import type { Planner, PlannerChanges } from './planner.ts'
import type { Policy } from './policy.ts'
import { deposit, dropSilences, saveAcknowledgement, saveChanges, saveSilence, withdraw } from './tables.ts'
import type { Channel, NewSilence, Notice, Notifier, NotifierOptions, NotifyPlan } from './types.ts'

/** One channel with its policy and what delivers to it. */
export interface Line {
  policy: Policy
  channel: Channel
  delivery: Delivery
}

interface LineState extends Line {
  sending: Promise<void> | null
  /** The notice was on its way when the last process ended. */
  mayHaveArrived: boolean
}

const tickMs = 200
const none = (): PlannerChanges => ({ entries: new Map(), channels: new Map(), acknowledged: new Map() })

/** The planner's steps in the service's time, each on disk before anything of it is sent. */
export class SpooledNotifier implements Notifier {
  readonly #options: NotifierOptions
  readonly #spool: Spool
  readonly #planner: Planner
  readonly #lines: readonly LineState[]
  readonly #ended = new AbortController()
  #inbox: Alert[]
  #taken: Alert[] = []
  #unsaved = none()
  #letters: Statement[] = []
  #problem: string | null = null
  #timer: NodeJS.Timeout | undefined
  #step: Promise<void> | null = null
  #again = false

  constructor(options: NotifierOptions, parts: { planner: Planner; lines: readonly Line[]; inbox: Alert[] }) {
    this.#options = options
    this.#spool = options.spool
    this.#planner = parts.planner
    this.#inbox = parts.inbox
    this.#lines = parts.lines.map((line) => ({
      ...line,
      sending: null,
      mayHaveArrived: this.#planner.outgoing(line.policy.name) !== null,
    }))
  }

  plan(alerts: readonly Alert[]): NotifyPlan {
    if (this.#lines.length === 0 || alerts.length === 0) return { statements: [], committed: () => undefined }
    const committed = () => {
      this.#inbox.push(...alerts)
      this.#wake()
    }
    return { statements: deposit(alerts), committed }
  }

  start(): void {
    if (this.#timer || this.#ended.signal.aborted) return
    this.#timer = setInterval(() => this.#wake(), tickMs)
    this.#wake()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    if (!this.#ended.signal.aborted) this.#ended.abort(new Error('the notifier is stopping'))
    await Promise.all(this.#lines.map(({ sending }) => sending))
    await this.#step
    await this.#save()
    await Promise.all(this.#lines.map(({ channel }) => channel.close()))
  }

  /** Looks now, not at the next tick, and resolves when what it found is on disk and on its way. */
  async look(): Promise<void> {
    this.#wake()
    while (this.#step !== null) await this.#step
  }

  /** Steps never overlap; a wake within one makes another after it. */
  #wake(): void {
    this.#again = true
    if (this.#step || !this.#timer || this.#ended.signal.aborted) return
    this.#step = this.#run().finally(() => {
      this.#step = null
    })
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#ended.signal.aborted) {
      this.#again = false
      this.#advance()
      if (await this.#save()) for (const line of this.#lines) this.#send(line)
    }
  }

  #advance(): void {
    const nowMs = this.#options.clock.now()
    const alerts = this.#inbox.splice(0)
    this.#taken.push(...alerts)
    this.#planner.take(alerts, nowMs)
    for (const { policy } of this.#lines) this.#planner.compose(policy, nowMs)
  }

  /** All that is not yet on disk in one transaction; what cannot be written stays for the next step, and is not sent. */
  async #save(): Promise<boolean> {
    const batch = {
      changes: merged(this.#unsaved, this.#planner.takeChanges()),
      taken: this.#taken,
      letters: this.#letters,
    }
    this.#unsaved = none()
    this.#taken = []
    this.#letters = []
    const statements = [...saveChanges(batch.changes), ...withdraw(batch.taken), ...batch.letters]
    try {
      // The number of alerts bounds these tables, so they may use what is kept for emptying a full spool.
      if (statements.length > 0) await this.#spool.write(statements, { reserve: true })
      this.#problem = null
      return true
    } catch (error) {
      this.#unsaved = merged(batch.changes, this.#unsaved)
      this.#taken.unshift(...batch.taken)
      this.#letters.unshift(...batch.letters)
      this.#notSaved(error)
      return false
    }
  }

  #notSaved(error: unknown): void {
    const problem = `notices cannot be kept: ${error instanceof Error ? error.message : String(error)}`
    if (problem !== this.#problem) this.#options.log.warn({ problem }, 'notices wait until the spool takes them')
    this.#problem = problem
  }

  #send(line: LineState): void {
    const { name } = line.policy
    const notice = this.#planner.outgoing(name)
    // One that was cut off by the stop may have arrived, and is for the next start.
    if (notice === null || line.sending !== null || this.#ended.signal.aborted) return
    const ended = (outcome: Outcome) => {
      line.mayHaveArrived = false
      this.#conclude(name, notice, outcome)
    }
    line.sending = line.delivery
      .deliver(notice, line.mayHaveArrived, this.#ended.signal)
      // Rejects only when stopped: the notice stays on disk for the next start.
      .then(ended, () => undefined)
      .finally(() => {
        line.sending = null
        this.#wake()
      })
  }

  #conclude(name: string, notice: Notice, outcome: Outcome): void {
    const nowMs = this.#options.clock.now()
    if (outcome.kind === 'outdated') this.#planner.takeBack(name, nowMs)
    else this.#planner.arrived(name, nowMs)
    if (outcome.kind === 'refused') {
      const body = Buffer.from(JSON.stringify({ refused: outcome.reason, notice }))
      const letter = { atMs: nowMs, reason: 'notice-refused', source: `notify/${name}`, device: null, site: null }
      this.#letters.push(...deadLetters.add({ ...letter, count: 0, body }))
    }
  }

  status(): RulesStatus['channels'] {
    return this.#lines.map(({ policy: { name }, delivery }) => {
      const unread = this.#inbox.length
      return { channel: name, waiting: this.#planner.waiting(name) + unread, error: delivery.error ?? this.#problem }
    })
  }

  silences(): Silence[] {
    const nowMs = this.#options.clock.now()
    return this.#planner.silences.list().filter(({ untilMs }) => untilMs > nowMs)
  }

  async addSilence(silence: NewSilence): Promise<Silence> {
    const made: Silence = { id: randomUUID(), ...silence }
    await this.#spool.write(saveSilence(made))
    this.#planner.silences.set(made)
    this.#changed()
    return made
  }

  async removeSilence(id: string): Promise<boolean> {
    if (isConfigured(id) || !this.#planner.silences.has(id)) return false
    await this.#spool.write(dropSilences([id]), { reserve: true })
    this.#planner.silences.delete(id)
    this.#changed()
    return true
  }

  silencedBy(alert: Alert): string | null {
    return this.#planner.silences.of(alert, this.#options.clock.now())?.id ?? null
  }

  async acknowledge(alertId: string, acknowledgement: Acknowledgement | null): Promise<void> {
    await this.#spool.write(saveAcknowledgement(alertId, acknowledgement), { reserve: acknowledgement === null })
    if (acknowledgement) this.#planner.acknowledged.set(alertId, acknowledgement)
    else this.#planner.acknowledged.delete(alertId)
    this.#changed()
  }

  acknowledgement(alertId: string): Acknowledgement | null {
    return this.#planner.acknowledged.get(alertId) ?? null
  }

  #changed(): void {
    this.#planner.lookAgain()
    this.#wake()
  }
}

/** Ids of silences that people make are UUIDs. */
function isConfigured(id: string): boolean {
  return id.startsWith('config-')
}

function merged(older: PlannerChanges, newer: PlannerChanges): PlannerChanges {
  return {
    entries: new Map([...older.entries, ...newer.entries]),
    channels: new Map([...older.channels, ...newer.channels]),
    acknowledged: new Map([...older.acknowledged, ...newer.acknowledged]),
  }
}
