import type { StatusBody, SummaryRow } from './summaries.ts'

/** Names of one series in the HTTP API. */
export interface SeriesName {
  site: string
  device: string
  metric: string
}

/** An element of `GET /api/series`. */
export interface SeriesInfo extends SeriesName {
  unit: string
  lastTs: number
  lastValue: number
}

export const steps = ['1m', '1h', '1d'] as const
export type Step = (typeof steps)[number]

/** A row of `GET /api/summaries`: stored rows have `rev` and `provisional: false`; a provisional one has `rev: null`. Stored rows have `sketch` and their own `unit` where `sketch=1` asks for them. */
export type ApiSummary = Omit<SummaryRow, 'device' | 'metric' | 'unit' | 'rev' | 'sketch'> & {
  rev: number | null
  provisional: boolean
  /** How many agents' parts were merged into the row; percentiles of several parts come from the sketch. */
  parts: number
  /** Agent and spool of the part that changed last. */
  agent: string
  spool: string
  sketch?: string
  unit?: string
}

export interface SummariesResponse {
  series: SeriesName & { unit: string }
  step: Step
  summaries: ApiSummary[]
}

/** `GET /api/accounts`: sums over all devices, then one entry per device and spool. */
export interface DeviceAccounts {
  site: string
  device: string
  agent: string
  spool: string
  accepted: number
  closed: number
  open: number
  duplicate: number
  tooLate: number
  invalid: Record<string, number>
  dropped: Record<string, number>
  qos0: number
  /** accepted - (closed + open + duplicate + tooLate + invalid + dropped); 0 or something is wrong. */
  unaccounted: number
  /** Readings in the newest revision of every window the agent has sent, and those the ingest holds and refused. */
  sent: number
  held: number
  refused: number
}

export interface StoreState {
  type: string
  /** Log entries the store has not taken yet. */
  behind: number
  /** Hours or days may have to be merged anew from their minutes, which happens at intervals. */
  mergesDue?: boolean
  error: string | null
  /** Readings in which the store's rows of the last 48 h differ from the spool; 0 or something is wrong. */
  unaccounted?: number
  /** Readings compared since the start; while it is 0, the one above says nothing. */
  checked?: number
}

export interface AccountsResponse {
  at: number
  total: Omit<DeviceAccounts, 'site' | 'device' | 'agent' | 'spool' | 'invalid' | 'dropped'> & {
    invalid: number
    dropped: number
    /** Messages whose numbers are missing between those received. */
    missingUpstream: number
    /** Those that agents gave up unsent, as their spools were full; not among the missing. */
    gaveUpUpstream?: number
    /** Messages that the ingest itself set aside; what agents set aside is in `invalid` and `dropped`. */
    deadLetters: number
    conflicts: number
    /** Readings by which sent differs from held + refused, over devices of whose spool no message is missing; 0 or something is wrong. */
    mismatch: number
  }
  devices: DeviceAccounts[]
  stores: StoreState[]
  /**
   * As the newest status of each agent says: `unaccounted` also counts closed readings that no message holds, and
   * messages that are neither receipted nor waiting; 0 or something is wrong.
   */
  agents?: { site: string; agent: string; unaccounted: number; lostMessages: number }[]
}

/** Events of `GET /api/live`. */
export interface LiveReadingEvent {
  site: string
  readings: { device: string; metric: string; unit: string; ts: number; value: number }[]
}
export interface LiveSummaryEvent {
  site: string
  summaries: (ApiSummary & { device: string; metric: string; unit: string })[]
}
/** Also sent once per known agent when a client connects. */
export type LiveStatusEvent = StatusBody

/** Rows of a range merged over time: missing = sum over boots of `lastSeq - firstSeq + 1 - messages`. */
export interface DeviceCompleteness {
  site: string
  device: string
  messages: number
  /** Null where the device sends no `seq`. */
  missing: number | null
}

/** `GET /api/completeness?site=&device=&from=&to=`; every parameter is optional. */
export interface CompletenessResponse {
  from: number
  to: number
  devices: DeviceCompleteness[]
}

/** `GET /api/status`: the newest status of every agent seen. */
export interface StatusResponse {
  /** The ingest's clock, epoch ms. */
  at: number
  agents: StatusBody[]
  /** What the ingest itself set aside. */
  deadLetters?: { reason: string; letters: number; readings: number; firstMs: number; lastMs: number }[]
}

/** A stage of the ingest itself; a figure is there where the stage has it. */
export interface PipelineStage {
  /** `ingest-collect`, `ingest-spool`, `ingest-store-<type>`, `ingest-evaluate` (with rules) or `ingest-serve`. */
  stage: string
  /** Messages, rows of a store or answers per real second of the last minute. */
  perSecond?: number
  total?: number
  errors?: number
  /** Recent mean, ms. */
  latencyMs?: number
  /** Rows a store has not taken yet; for `ingest-serve` pages that listen. */
  behind?: number
  bytes?: number
  maxBytes?: number
  up?: 0 | 1
}

/** The terms of an agent's devices together, in readings, as its summaries last told them. */
export type AgentAccounts = Omit<DeviceAccounts, 'site' | 'device' | 'agent' | 'spool' | 'invalid' | 'dropped'> & {
  invalid: number
  dropped: number
}

/** What the ingest knows of one agent. */
export interface PipelineAgent {
  site: string
  agent: string
  online: boolean
  /** When its newest status came, by the ingest's clock; null where only its messages are known. */
  lastSeenMs: number | null
  /** Real time since then, ms. */
  silentMs: number | null
  /** Starts of the agent that this ingest saw after the first. */
  restarts: number
  /** Readings accepted per real second between its last two statuses; null until there are two. */
  readingsPerSecond: number | null
  devices: number
  /** Messages whose numbers are missing between those received. */
  missingUpstream: number
  accounts: AgentAccounts
  /** The newest status that told more than that the agent is gone. */
  status: StatusBody | null
}

/** `GET /api/pipeline`: every agent, then the stages of the ingest in flow order. */
export interface PipelineResponse {
  at: number
  agents: PipelineAgent[]
  stages: PipelineStage[]
}
