import { cloudTopic, type SummariesBody } from '@millrace/contracts'
import { type Clock, silentLogger } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { decodeMessage } from '../decode/index.ts'
import { Custody } from '../spool/index.ts'
import { daysIn } from '../store/days.ts'
import { Feeder } from '../store/feeder.ts'
import type { Store } from '../stored.ts'
import { type BodySpec, summariesBody } from './rows.ts'

export interface StepOptions {
  dataDir: string
  store: Store
  clock: Clock
  zone?: string
}

/** Spool, store and feeder without a broker: each message is in the store, with its hours and days, when `send` resolves. */
export class StepByStep {
  readonly custody: Custody
  private readonly feeder: Feeder
  private readonly stopping = new AbortController()
  private received: { count: number }

  private constructor(custody: Custody, feeder: Feeder, received: { count: number }) {
    this.custody = custody
    this.feeder = feeder
    this.received = received
    void custody.receiver.run(this.stopping.signal)
  }

  static async open({ dataDir, store, clock, zone = 'UTC' }: StepOptions): Promise<StepByStep> {
    const received = { count: 0 }
    const committed = (_owed: unknown, messages: readonly unknown[]) => {
      received.count += messages.length
    }
    const custody = await Custody.open({ dataDir, maxBytes: 64 * 1024 * 1024, clock, log: silentLogger, committed })
    const context = { store, log: custody.log, clock, days: daysIn(zone), logger: silentLogger }
    const rollupEveryMs = { hours: 0, days: 0 }
    return new StepByStep(
      custody,
      new Feeder({ ...context, name: 'tested', type: 'tested', accountable: true, rollupEveryMs }),
      received,
    )
  }

  /** `change`: by hand. */
  async send(spec: BodySpec, change: (body: SummariesBody) => void = () => undefined): Promise<void> {
    await this.receive(spec, change)
    while (await this.feeder.step());
  }

  /** Into the spool alone. */
  async receive(spec: BodySpec, change: (body: SummariesBody) => void = () => undefined): Promise<void> {
    const body = summariesBody(spec)
    change(body)
    const before = this.received.count
    const topic = cloudTopic({ site: body.site, agent: body.agent, kind: 'summaries' })
    const decoded = decodeMessage({ topic, body: Buffer.from(JSON.stringify(body)) })
    if (decoded.kind !== 'spooled') throw new Error('not a body')
    void this.custody.receiver.offer(decoded.spooled)
    await until(() => this.received.count > before, { label: 'the message is committed' })
  }

  async close(): Promise<void> {
    this.stopping.abort()
    await this.custody.close()
  }
}
