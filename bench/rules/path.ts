import { type Message, manualClock, silentLogger } from '@millrace/pipeline'
import type { CompiledRule } from '@millrace/rules'
import { createEngine } from '@millrace/rules'
import { encodeEntry, type JournalEntry, type KeeperChanges, WindowKeeper } from '@millrace/windows'
import type { Judge } from '../../edge-agent/src/checkpoint.ts'
import { BatchBuilder, createDecoder, type Decoder } from '../../edge-agent/src/decode/index.ts'
import { Evaluation } from '../../edge-agent/src/evaluate/evaluation.ts'
import { Names } from '../../edge-agent/src/names.ts'
import { Reports, Rollup } from '../../edge-agent/src/rollup/index.ts'

const settings = { lengthMs: 60_000, latenessMs: 5_000, maxReadings: 100_000, amendForMs: 86_400_000 }

/** CPU seconds of this process so far. */
function cpuNow(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** Of a minute of readings, or of all of them: CPU seconds of the path, of its rules, and of the rest of a checkpoint. */
export interface PathCost {
  /** Decoding, journal entries, windows, and summaries as bodies for the cloud. */
  path: number
  rules: number
  /** What the disk is given of the windows, which is neither. */
  keeping: number
  rows: number
  alerts: number
  stateBytes: number
}

export const free: Readonly<PathCost> = { path: 0, rules: 0, keeping: 0, rows: 0, alerts: 0, stateBytes: 0 }

/** Windows whose changes for the disk are timed apart. */
class TimedKeeper extends WindowKeeper {
  seconds = 0

  override takeChanges(): KeeperChanges {
    const before = cpuNow()
    const changes = super.takeChanges()
    this.seconds += cpuNow() - before
    return changes
  }
}

/** The agent's own path from payload bytes to summaries and alerts, without its disk: nothing is known of any window. */
export class AgentPath {
  readonly #names = new Names({ site: 'bench', maxSeries: 1_000_000 })
  readonly #columns = new BatchBuilder()
  readonly #decoder: Decoder = createDecoder({ names: this.#names, columns: this.#columns })
  readonly #keeper = new TimedKeeper(this.#names, settings)
  readonly #clock
  readonly #rollup: Rollup
  #entries = 0
  #cost = { ...free }

  constructor(startMs: number, rules: readonly CompiledRule[]) {
    this.#clock = manualClock(startMs)
    const engine = createEngine({ rules, owner: 'edge', evaluator: 'bench' })
    const about = { engine, names: this.#names, agent: 'bench', site: 'bench', clock: this.#clock, log: silentLogger }
    const evaluation = new Evaluation({ ...about, plan: () => ({ statements: [], committed: () => undefined }) })
    evaluation.hears(true)
    this.#rollup = new Rollup({
      ...{ keeper: this.#keeper, names: this.#names, reports: new Reports(), numbers: new Map(), clock: this.#clock },
      ...{ head: { agent: 'bench', spool: 's', epoch: 'e' }, judge: this.#timed(evaluation) },
      loader: { windows: async () => [], completeness: async () => [] },
    })
    this.#apply({ kind: 'start', epoch: 'bench' })
    this.#apply({ kind: 'anchor', monotonicMs: this.#clock.monotonic(), wallMs: startMs })
  }

  /** What it cost since the last call. */
  takeCost(): PathCost {
    const cost = this.#cost
    this.#cost = { ...free }
    return cost
  }

  /** One group commit, `elapsedMs` after the start. */
  take(messages: readonly Message[], elapsedMs: number): void {
    this.#clock.advance(elapsedMs - this.#clock.monotonic())
    const before = cpuNow()
    for (const message of messages) this.#decoder.decode(message, this.#clock.monotonic())
    const entry: JournalEntry = { kind: 'data', batch: this.#columns.take() }
    encodeEntry(entry)
    const rules = this.#cost.rules
    this.#apply(entry)
    this.#cost.path += cpuNow() - before - (this.#cost.rules - rules)
  }

  async checkpoint(): Promise<void> {
    const { rules } = this.#cost
    this.#keeper.seconds = 0
    const before = cpuNow()
    await this.#rollup.checkpoint({ reportAfterMs: undefined, write: async () => undefined })
    const keeping = this.#keeper.seconds
    this.#cost.keeping += keeping
    this.#cost.path += cpuNow() - before - keeping - (this.#cost.rules - rules)
  }

  #apply(entry: JournalEntry): void {
    this.#rollup.apply({ id: ++this.#entries, entry, bytes: 1 })
  }

  /** Times the rules, as the agent calls them. */
  #timed(evaluation: Evaluation): Judge {
    return {
      see: (entry, keeper) => evaluation.see(entry, keeper),
      judge: async (closed, keeper) => {
        const before = cpuNow()
        const verdict = await evaluation.judge(closed, keeper)
        this.#cost.rules += cpuNow() - before
        this.#cost.rows += closed.summaries.length
        this.#cost.alerts += verdict.alerts.length
        this.#cost.stateBytes += verdict.state.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0)
        if (evaluation.failure !== null) throw new Error(evaluation.failure)
        return verdict
      },
      committed: () => evaluation.committed(),
    }
  }
}
