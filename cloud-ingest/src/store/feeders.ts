import type { StoreState } from '@millrace/contracts'
import { Feeder, type FeederOptions } from './feeder.ts'

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

  /** The place in the log that the slowest store has reached. */
  takenUpTo(): number {
    return Math.min(...this.feeders.map((feeder) => feeder.position))
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
