import type { Scorecard } from '../oracle/scorecard.ts'

export interface ClaimOptions {
  /** The form that takes minutes to an hour. */
  long: boolean
  /** Of the instants and the readings. */
  seed: number
  /** Aborted on Ctrl-C. */
  signal: AbortSignal
  say(line: string): void
}

/** What a fault run shows, and the run. */
export interface Claim {
  name: string
  /** One sentence that holds if the run ends well. */
  says: string
  /** Programs that it needs on this machine. */
  needs: readonly string[]
  /** One score for each stack, by what is particular about it. */
  run(options: ClaimOptions): Promise<Record<string, Scorecard>>
}
