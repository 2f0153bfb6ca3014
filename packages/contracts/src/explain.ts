import type { ApiSummary, SeriesName } from './api.ts'
import type { ClockStateName } from './device-clocks.ts'

/** Numbers of one run of a device: inclusive ranges, the first so many; `boot` is null where it names none. */
export interface ExplainedBoot {
  boot: string | null
  /** Readings, or messages. */
  count: number
  unnumbered: number
  ranges: [number, number][]
  /** How many more ranges there are. */
  moreRanges: number
}

/** Readings of a window as an agent has them, without their values. */
export interface ExplainedReadings {
  count: number
  /** Event times, epoch ms; null where there are none. */
  firstTs: number | null
  lastTs: number | null
  boots: ExplainedBoot[]
}

/** An input set aside at about that time. */
export interface ExplainedLetter {
  reason: string
  /** Place among those of its reason, for `millrace dead-letters show`. */
  nth: number
  /** When it was set aside, epoch ms. */
  atMs: number
  /** Topic; empty where it was refused after decoding. */
  source: string
  readings: number
  /** `time`: a time in it lies in the window; `arrival`: it came while the window was open. */
  by: 'time' | 'arrival'
}

/** `none`: the agent has nothing of it. `reopened`: closed before, and late readings wait to join. */
export type ExplainedState = 'open' | 'reopened' | 'closed' | 'none'

/** A window of a series, in the agent that makes it. */
export interface ExplainedWindow {
  start: number
  lengthMs: number
  state: ExplainedState
  /** The set that its newest revision was made of; null: never closed, or given up. */
  set: (ExplainedReadings & { rev: number; amended: number; duplicate: number; unstamped: number }) | null
  /** Readings that no revision has yet. */
  open: (ExplainedReadings & { duplicate: number }) | null
  /** The message of the newest revision. `waiting`: no receipt yet; `madeMs` is known while it waits. Neither waiting nor sent: given up by a full spool. */
  message: { seq: number; waiting: boolean; sent: boolean; madeMs: number | null } | null
  /** Messages of the device in the window, whatever they measured; null where nothing is kept. */
  completeness: { rev: number; boots: (ExplainedBoot & { missing: number | null })[] } | null
  /** Whether a late reading would still be counted, and the watermark from which it will not be. */
  amendable: boolean
  amendableUntilMs: number | null
  deadLetters: ExplainedLetter[]
}

/** `GET /api/explain?site=&device=&metric=&start=` of an agent: `metric` and `start` are optional. */
export interface AgentExplanation {
  agent: string
  spool: string
  epoch: string
  settingsHash: string
  /** The agent's time; null before it has one. */
  nowMs: number | null
  site: string
  device: string
  /** The device's newest event time less the lateness; null before its first reading. */
  watermarkMs: number | null
  /** Readings of windows that end here or before are too late. */
  floorMs: number | null
  /** When something of the device last entered a window, by the agent's time; null: not since its start. */
  lastArrivalMs: number | null
  accepted: number
  open: number
  setAside: Record<string, number>
  openWindows: [number, number][]
  clock: { state: ClockStateName; offsetMs: number | null; driftPpm: number | null; jitterMs: number | null }
  /** Where a metric was named; null: never heard of. */
  series?: {
    metric: string
    unit: string
    kind: string
    openWindows: { start: number; lengthMs: number; readings: number; late: boolean }[]
  } | null
  /** Where metric and start were given and the series is known. */
  window?: ExplainedWindow
}

/** One agent's share of a window, in the ingest. */
export interface ExplainedPart {
  agent: string
  spool: string
  start: number
  lengthMs: number
  rev: number
  count: number
  amended: number | null
  duplicate: number | null
  unstamped: number | null
  /** Its values were refused, by the ingest or its first store: it counts and is in no row. */
  refused: boolean
  /** When it was committed, epoch ms. */
  committedMs: number
  /** The message that carried this revision; null once that is forgotten, or was before this release. */
  message: {
    seq: number
    epoch: string
    /** When the agent's checkpoint made it, by the agent's clock; null from earlier releases. */
    madeMs: number | null
    settingsHash: string | null
    receivedMs: number
  } | null
  /** `byMs`: the store had taken it by then, to a few seconds; null where that is not known any more. */
  stores: { store: string; written: boolean; byMs: number | null }[]
}

/** Numbers of an agent's messages at the ingest. */
export interface ExplainedSource {
  agent: string
  spool: string
  newest: number | null
  /** Missing below the newest, inclusive ranges, the first so many. */
  missing: [number, number][]
  online: boolean | null
}

/** `GET /api/explain?site=&device=&metric=&start=` of the ingest; `start` is any moment in the window. */
export interface IngestExplanation {
  at: number
  series: SeriesName & { known: boolean; unit: string | null; lastTs: number | null }
  /** The row that holds the moment, in each store. */
  rows: { store: string; row: ApiSummary | null; error: string | null }[]
  /** The open window that holds it, as agents last told it. */
  provisional: ApiSummary | null
  parts: ExplainedPart[]
  completeness: {
    agent: string
    spool: string
    boot: string | null
    start: number
    lengthMs: number
    rev: number
    firstSeq: number | null
    lastSeq: number | null
    messages: number
  }[]
  /** Of the site. */
  sources: ExplainedSource[]
  deadLetters: ExplainedLetter[]
  /** Parts and letters of messages are forgotten this long after their last change, ms. */
  keepPartsMs: number
}

/** The share of it that the spool can tell, whatever stores say. */
export type SpoolExplanation = Pick<IngestExplanation, 'parts' | 'completeness' | 'sources' | 'deadLetters'>
