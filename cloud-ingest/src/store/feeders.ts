import type { StoreState } from '@millrace/contracts'
import { pause, UnreachableError } from '@millrace/pipeline'
import { Feeder, type FeederOptions } from './feeder.ts'

const lookEveryMs = 50

/** One feeder for each store, none waiting for another. */
export class Feeders {
  readonly feeders: readonly Feeder[]
  private running: Promise<void>[] = []

  constructor(options: readonly FeederOptions[]) {
    this.feeders = options.map((option) => new Feeder(option))
  }

  start(signal: AbortSignal): void {
    this.running = this.feeders.map((feeder) => feeder.run(signal))
  }

  states(): StoreState[] {
    return this.feeders.map((feeder) => feeder.state())
  }

  /** How far each store has come in the log, by its name. */
  positions(): ReadonlyMap<string, number> {
    return new Map(this.feeders.map((feeder) => [feeder.name, feeder.position]))
  }

  /** The place in the log that the slowest store has reached. */
  takenUpTo(): number {
    return Math.min(...this.feeders.map((feeder) => feeder.position))
  }

  /** Resolves once a store has taken everything in the log; throws where it does not within the time. */
  async drained(type: string, withinMs: number): Promise<void> {
    const feeder = this.feeders.find((one) => one.state().type === type)
    const deadline = performance.now() + withinMs
    for (;;) {
      const { behind, error } = feeder?.state() ?? { behind: 0, error: null }
      if (behind === 0) return
      if (performance.now() > deadline)
        throw new UnreachableError(`the store ${type} is ${behind} changes behind${error ? `: ${error}` : ''}`)
      await pause(lookEveryMs)
    }
  }

  /** Rises when a store has settled changes, which may have moved readings between accounts. */
  progress(): number {
    return this.feeders.reduce((sum, feeder) => sum + feeder.position, 0)
  }

  /** Resolves once each has finished the step it was in. */
  async stopped(): Promise<void> {
    await Promise.all(this.running)
  }
}
