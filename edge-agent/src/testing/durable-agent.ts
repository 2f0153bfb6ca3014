import { type SummariesBody, summariesBodySchema } from '@millrace/contracts'
import { type Delivery, type ManualClock, silentLogger } from '@millrace/pipeline'
import { outbox } from '@millrace/spool'
import { totalAccounts } from '../accounts.ts'
import { openClocks } from '../agent-clocks.ts'
import type { AgentConfig } from '../config.ts'
import { createIntake } from '../intake.ts'
import { openRecovered } from '../recovery.ts'
import { CommitLoop } from '../spool/index.ts'

type Parts = Awaited<ReturnType<typeof openRecovered>>
type Message = Delivery['messages'][number]

/** Everything of an agent between the wire of its devices and its outbox, with its real spool; it can die at any moment. */
export class DurableAgent {
  readonly #parts: Parts
  readonly #commits: CommitLoop
  readonly #clock: ManualClock
  #checkpoint: Promise<void> = Promise.resolve()

  private constructor(parts: Parts, commits: CommitLoop, clock: ManualClock) {
    this.#parts = parts
    this.#commits = commits
    this.#clock = clock
  }

  static async open(config: AgentConfig, clock: ManualClock): Promise<DurableAgent> {
    const parts = await openRecovered({ config, clock, log: silentLogger, openRules: async () => undefined })
    const { names, spool, rollup } = parts
    const { doctor } = openClocks({ config, clock }, names)
    const commits = new CommitLoop({
      ...{ commitMs: 0, names, intake: await createIntake({ names, config, clock, doctor }) },
      commit: (record, reserve) => spool.commit(record, reserve),
      apply: (entry) => rollup.apply(entry),
      ready: () => true,
      // Whoever dies in the middle of a commit fails it.
      ...{ onFull: () => undefined, onFailure: () => undefined },
    })
    const agent = new DurableAgent(parts, commits, clock)
    for (const entry of parts.firstEntries) commits.append(entry)
    commits.append({ kind: 'anchor', monotonicMs: clock.monotonic(), wallMs: clock.now() })
    await commits.flush()
    return agent
  }

  /** `acked` is called when they are on its disk. */
  receive(messages: readonly Message[], acked: () => void): void {
    const arrivals = new Float64Array(messages.length).fill(this.#clock.monotonic())
    this.#commits.receive({ messages, arrivals, ack: acked, refuse: () => undefined })
  }

  /** Begins a checkpoint where none is in the making. */
  checkpoint(): void {
    const { rollup, spool } = this.#parts
    const write = (record: Parameters<typeof spool.checkpoint>[0]) => spool.checkpoint(record, this.#clock.now())
    this.#checkpoint = this.#checkpoint
      .then(() => rollup.checkpoint({ write, reportAfterMs: undefined }))
      .catch(() => undefined)
  }

  /** What is not on the disk is gone. */
  async die(): Promise<void> {
    await this.#parts.spool.close().catch(() => undefined)
    await this.#checkpoint
  }

  /** Its devices fall silent: closes all windows and returns the bodies in the outbox, oldest first, and the accounts. */
  async finish() {
    const { names, rollup, spool } = this.#parts
    this.#commits.append({ kind: 'idle', devices: Uint32Array.from({ length: names.deviceCount }, (_, id) => id) })
    await this.#commits.flush()
    this.checkpoint()
    await this.#checkpoint
    const bodies = await this.#drain()
    const accounts = totalAccounts(rollup.keeper)
    await this.die()
    return { bodies, accounts, spoolName: spool.name }
  }

  async #drain(): Promise<SummariesBody[]> {
    const { spool } = this.#parts
    const bodies: SummariesBody[] = []
    for (;;) {
      // Also what waits for the far side to confirm the spool after a start: there is none here.
      const messages = await spool.newestOf(outbox, { limit: 100, exclude: [] })
      if (messages.length === 0) return bodies.toSorted((a, b) => a.seq - b.seq)
      for (const { bytes } of messages)
        bodies.push(summariesBodySchema.parse(JSON.parse(Buffer.from(bytes).toString())))
      for (const { site, seq } of messages) await spool.settle(site, { upTo: -1, ranges: [[seq, seq]] })
    }
  }
}
