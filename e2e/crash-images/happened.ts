import type { Subject } from './subject.ts'

/** What a recorded run had in it. */
export interface Happened {
  steps: number
  flushes: number
  acknowledgements: number
  kills: number
  /** How often SQLite began its log anew, once all of it was in the database. */
  logResets: number
  /** Checkpoints and settled messages of the agent, amended windows of the ingest. */
  [ofService: string]: number
}

/** A log begins with a header of 32 bytes; the first of a file is no reset. */
export function happenedIn({ recording: { steps, deaths }, acknowledgements, happened }: Subject): Happened {
  const headers = steps.filter((step) => step.kind === 'write' && step.offset === 0 && step.bytes.byteLength === 32)
  const logs = new Set(headers.map((step) => (step.kind === 'write' ? step.file : -1)))
  return {
    steps: steps.length,
    flushes: steps.filter(({ kind }) => kind === 'flush').length,
    acknowledgements: acknowledgements.length,
    kills: deaths.length - 1,
    logResets: headers.length - logs.size,
    ...happened,
  }
}
