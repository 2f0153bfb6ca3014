import type { RuleCompleteness, RuleReading, RuleWindow } from '@millrace/rules'

/** What happened: everything that rules may be tried on. Lists are in no particular order. */
export interface Past {
  /** Where it is from, for people. */
  name: string
  windows: RuleWindow[]
  completeness: RuleCompleteness[]
  /** Of series that some rule judges reading by reading. */
  readings: RuleReading[]
  /** What stands beside it: what could not be read, what rules cannot be judged on it. */
  notes: string[]
}

export type WantsReadings = (series: { site: string; device: string; metric: string }) => boolean

/** Shows how far a long piece of work is; replaced by the next text. */
export type ShowProgress = (text: string) => void
