import type { StatusBody } from '@millrace/contracts'
import type { HttpServer } from '@millrace/pipeline'
import type { CloudLink } from './cloud-link.ts'
import type { Decoded } from './decode/index.ts'
import type { Evaluator } from './evaluate/evaluator.ts'
import type { Spooled } from './received.ts'
import type { StageSource } from './reporter.ts'
import type { Custody } from './spool/index.ts'
import type { Feeder } from './store/feeder.ts'
import { Tally } from './tally.ts'

export interface StageParts {
  custody: Custody
  feeders: readonly Feeder[]
  link: CloudLink
  /** Undefined where there are no rules. */
  rules: Pick<Evaluator, 'state' | 'tally'> | undefined
  /** Pages listening for events. */
  listeners(): number
}

const upIf = (well: boolean) => (well ? 1 : 0)

/** Counts what passes the stages of the ingest itself. */
export class OwnStages {
  private readonly collect = new Tally()
  private readonly spool = new Tally()
  private readonly serve = new Tally()
  private readonly arrived = new WeakMap<object, number>()

  received(decoded: Decoded): void {
    this.collect.passed(1)
    if (decoded.kind === 'ignored') this.collect.failed(1)
    if (decoded.kind === 'spooled') this.arrived.set(decoded.spooled, performance.now())
    if (decoded.kind === 'status') this.arrived.set(decoded.body, performance.now())
  }

  /** Monotonic ms. */
  arrivedMs(status: StatusBody): number | undefined {
    return this.arrived.get(status)
  }

  committed(messages: readonly Spooled[]): void {
    const now = performance.now()
    for (const message of messages) this.spool.passed(1, now - (this.arrived.get(message) ?? now))
  }

  watch(app: HttpServer['app']): void {
    app.addHook('onResponse', async (_request, reply) => {
      this.serve.passed(1, reply.elapsedTime)
      if (reply.statusCode >= 500) this.serve.failed(1)
    })
  }

  /** In flow order. */
  sources({ custody, feeders, link, rules, listeners }: StageParts): StageSource[] {
    const stores = feeders.map((feeder): StageSource => {
      const { type } = feeder.state()
      const now = async () => ({ behind: feeder.state().behind, up: upIf(feeder.state().error === null) }) as const
      return { stage: `ingest-store-${type}`, tally: feeder.tally, now }
    })
    return [
      {
        stage: 'ingest-collect',
        tally: this.collect,
        now: async () => ({
          errors: this.collect.errors + custody.receiver.letGo,
          up: upIf(link.problem() === undefined),
        }),
      },
      {
        stage: 'ingest-spool',
        tally: this.spool,
        now: async () => {
          const letters = (await custody.deadLetters()).reduce((sum, { letters }) => sum + letters, 0)
          const { bytes, maxBytes } = await custody.usage()
          return { errors: letters, bytes, maxBytes, up: upIf(custody.receiver.problem === undefined) }
        },
      },
      ...stores,
      ...(rules ? [evaluateStage({ state: () => rules.state(), tally: rules.tally })] : []),
      { stage: 'ingest-serve', tally: this.serve, now: async () => ({ behind: listeners() }) },
    ]
  }
}

function evaluateStage({
  state,
  tally,
}: {
  state(): { behind: number; error: string | null }
  tally: Tally
}): StageSource {
  const now = async () => ({ behind: state().behind, up: upIf(state().error === null) }) as const
  return { stage: 'ingest-evaluate', tally, now }
}
