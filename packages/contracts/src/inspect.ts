/** Letters of one reason in a spool. */
export interface InspectedLetters {
  reason: string
  letters: number
  readings: number
  firstMs: number
  lastMs: number
  /** Bodies that are kept. */
  kept: number
  bytes: number
}

interface InspectedFile {
  file: string
  bytes: number
  logBytes: number
  running: boolean
  application: string | null
  name: string | null
  version: number | null
  problem: string | null
  unreadable: Record<string, string>
  tables: string[]
}

/** What an agent's spool holds; a section is absent where its tables cannot be read. */
export interface InspectedAgentSpool extends InspectedFile {
  kind: 'agent'
  /** Starts that the spool remembers, and the newest of them. */
  starts?: { count: number; newest: string | null }
  journal?: { entries: number; bytes: number; first: number | null; last: number | null }
  outbox?: {
    site: string
    kind: string
    messages: number
    bytes: number
    firstSeq: number
    lastSeq: number
    oldestMs: number
    newestMs: number
  }[]
  /** Per site: the newest number ever made, and the ranges that the far side has. */
  numbers?: { site: string; newest: number; receipted: [number, number][]; givenUp: [number, number][] }[]
  devices?: {
    site: string
    device: string
    watermarkMs: number | null
    floorMs: number | null
    accepted: number
    open: number
    openWindows: number
    sets: number
    /** Of the sets: start of the first and end of the last, epoch ms. */
    fromMs: number | null
    toMs: number | null
    setBytes: number
  }[]
  letters?: InspectedLetters[]
  dropped?: { site: string; messages: number; readings: number }[]
  /** Whose numbers: `confirmed` is false while it is not known whether this is a copy. */
  lineage?: { confirmed: boolean; keptEntries: number; keptBytes: number; rolledBack: unknown[] }
  /** Messages of spools that this one was a copy of. */
  inherited?: { spool: string; messages: number }[]
}

/** What the ingest's spool holds. */
export interface InspectedIngestSpool extends InspectedFile {
  kind: 'ingest'
  logHead?: number
  sources?: {
    site: string
    agent: string
    spool: string
    received: [number, number][]
    holes: [number, number][]
    lastMs: number
  }[]
  parts?: {
    series: number
    parts: number
    readings: number
    refused: number
    late: number
    fromMs: number | null
    toMs: number | null
  }
  completeness?: number
  accounts?: {
    site: string
    device: string
    agent: string
    spool: string
    seq: number
    sent: number
    held: number
    refused: number
  }[]
  stores?: { store: string; cursor: number; behind: number }[]
  /** Hours and days that have to be merged anew. */
  dirty?: { store: string; tier: string; spans: number }[]
  alerts?: Record<string, number>
  marks?: number
  letters?: InspectedLetters[]
}

/** A spool of neither, or one that says nothing of itself. */
export interface InspectedOtherSpool extends InspectedFile {
  kind: 'other'
}

export type InspectedSpool = InspectedAgentSpool | InspectedIngestSpool | InspectedOtherSpool
