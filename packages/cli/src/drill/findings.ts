import type { Victim } from './target.ts'

export interface Kill {
  victim: Victim
  /** Real ms until a reading sent after the kill was on the page; null where something else was broken meanwhile. */
  recoveryMs: number | null
}

export interface Outage {
  /** Real and event time, ms. */
  realMs: number
  eventMs: number
  /** Messages that waited on the agent's disk at its end. */
  waiting: number
  /** Until none of them waited any more, real ms; null where that was not seen. */
  drainMs: number | null
  /** Readings that reached the ingest in that time. */
  readings: number
}

/** What a drill has seen, act by act; an act that did not run leaves its own undefined. */
export interface Findings {
  kills: Kill[]
  /** Kills that were planned in the acts that have begun. */
  plannedKills: number
  outages: Outage[]
  disk?: { refusedAfterMs: number | null; recoveredAfterMs: number | null; kind: string }
  clocks?: { ahead: number; behind: number; future: number }
  poison?: { messages: number; setAside: number; hugeRefused: number; hugeSent: number; perSecond: number }
  /** Acts that ended before their end, and why. */
  cutShort: { act: string; why: string }[]
  /** What could not be tried here, and why. */
  notTried: { what: string; why: string }[]
}

export const noFindings = (): Findings => ({ kills: [], plannedKills: 0, outages: [], cutShort: [], notTried: [] })
