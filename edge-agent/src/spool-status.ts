import type { RolledBack, SpoolState } from './spool/index.ts'

export interface SpoolStatus extends SpoolState {
  name: string
  full: boolean
  /** Days of outage until the spool is full, as messages come now; null while that is not known. */
  bridgesDays: number | null
  movedAside: { reason: string; to: string } | null
  dropped: { site: string; messages: number; readings: number }[]
  /** Numbers of messages given up unsent, by site. */
  gaveUp: Record<string, [number, number][]>
  /** False: it is not known yet whether this is a copy of a spool that went on, so nothing new is sent. */
  confirmed: boolean
  /** Kept meanwhile, and whether that became too much; see `spool/lineage.ts`. */
  keptBytes: number
  lapsed: boolean
  /** Times that it was found to be a copy, and the messages of before that still wait. */
  rolledBack: RolledBack[]
  inheritedMessages: number
}

const maxRanges = 200

/** What the retained status says of it; `asks` is answered by the ingest, see `spool/lineage.ts`. */
export function spoolForCloud(spool: SpoolStatus): Record<string, unknown> {
  const { name, bytes, maxBytes, outboxMessages, oldestOutboxMs, full, bridgesDays, dropped, gaveUp, rolledBack } =
    spool
  return {
    ...{ name, bytes, maxBytes, outboxMessages, oldestOutboxMs, full, bridgesDays, dropped },
    ...(spool.movedAside ? { movedAside: spool.movedAside.reason } : {}),
    ...(Object.keys(gaveUp).length > 0 ? { gaveUp: newestOf(gaveUp) } : {}),
    ...(rolledBack.length > 0 ? { rolledBack: rolledBack.at(-1) } : {}),
    ...(spool.confirmed ? {} : { asks: true, lapsed: spool.lapsed }),
  }
}

/** Bounds the status: mostly they are one range. */
function newestOf(gaveUp: SpoolStatus['gaveUp']): SpoolStatus['gaveUp'] {
  return Object.fromEntries(Object.entries(gaveUp).map(([site, ranges]) => [site, ranges.slice(-maxRanges)]))
}
