import { type HubTier, hubBlocks, hubOwnShare, hubTiers, type MeasuredSample } from '@millrace/contracts'

const dayMs = 86_400_000
const hourMs = 3_600_000

/** Bytes of system and application properties that a message of the agent carries to an IoT Hub. */
const hubPropertyBytes = 160
/** Of a body of kind `status`, as measured with and without rules: 1.0 to 1.4 KB. */
const statusBytes = 1_400
/**
 * Bytes on disk of one row of summaries or completeness, as measured after a day of the default fleet: they differ with
 * how much values vary. The ingest's spool keeps what it needs to merge revisions for 48 hours.
 */
const rowBytes = { duckdb: 101, influxdb: 54, ingestSpool: 207 } as const
const ingestKeepsDays = 2

export type StoreKind = 'duckdb' | 'influxdb'

export interface TierPlan {
  tier: HubTier
  units: number
  /** Metered messages a day, and how many the units take. */
  blocksPerDay: number
  quotaPerDay: number
  /** Within the share of it that an agent takes unless it is told. */
  fits: boolean
  /** Of the quota. */
  share: number
  /** Units of this tier with which it would fit; null where no hub of the tier is that large. */
  unitsNeeded: number | null
}

export interface Plan {
  fleet: { sites: number; devices: number; series: number; readingsPerSecond: number; messagesPerSecond: number }
  windowLengthMs: number
  uplink: {
    messagesPerDay: number
    bytesPerDay: number
    bytesPerMessage: number
    bytesPerSummary: number
    bytesPerReading: number
    summariesPerDay: number
    tiers: TierPlan[]
  }
  agent: {
    spoolMaxBytes: number
    /** Sets of closed windows, so that late readings can be counted in them. */
    setBytes: number
    /** As far back as `amendMaxBytes` allows, at most `amendFor`. */
    amendForMs: number
    outboxBytesPerHour: number
    bridgesHours: number
  }
  cloud: { rowsPerDay: number; ingestSpoolBytes: number; storeBytesPerDay: Record<StoreKind, number> }
  sample: { spanMs: number; readings: number; setAside: number }
}

/** Tiers of which a fleet is shown, the cheapest first. */
const shownTiers: readonly HubTier[] = ['F1', 'S1', 'S2', 'S3']

function perDay(sum: number, spanMs: number): number {
  return (sum * dayMs) / spanMs
}

function blocksOf(bodies: readonly number[], blockBytes: number): number {
  return bodies.reduce((sum, bytes) => sum + hubBlocks(bytes + hubPropertyBytes, { blockBytes }), 0)
}

function tierPlan(measured: MeasuredSample, tier: HubTier, units: number): TierPlan {
  const { blocks, blockBytes, maxUnits } = hubTiers[tier]
  const statuses = (dayMs / measured.settings.statusEveryMs) * blocksOf([statusBytes], blockBytes)
  const blocksPerDay = perDay(blocksOf(measured.bodies, blockBytes), measured.spanMs) + statuses
  const quotaPerDay = blocks * units
  const needed = Math.max(1, Math.ceil(blocksPerDay / (blocks * hubOwnShare)))
  return {
    ...{ tier, units, blocksPerDay, quotaPerDay },
    ...{ fits: needed <= units, share: blocksPerDay / quotaPerDay },
    unitsNeeded: needed <= maxUnits ? needed : null,
  }
}

export interface TierWish {
  tier?: HubTier | undefined
  units: number
}

function tierPlans(measured: MeasuredSample, { tier, units }: TierWish): TierPlan[] {
  const tiers = tier === undefined || shownTiers.includes(tier) ? shownTiers : [...shownTiers, tier]
  return tiers.map((each) => tierPlan(measured, each, each === tier ? units : 1))
}

function agentPlan(measured: MeasuredSample): Plan['agent'] {
  const { spanMs, setBytes, spoolBytes, settings } = measured
  const bodyBytes = measured.bodies.reduce((sum, bytes) => sum + bytes, 0)
  // The file holds more than what is put into it: pages, keys, free places.
  const overhead = Math.max(1, spoolBytes / Math.max(1, bodyBytes + setBytes))
  const wantedBytes = (setBytes / spanMs) * settings.amendForMs
  const sets = Math.min(wantedBytes, settings.amendMaxBytes)
  const outboxBytesPerHour = (bodyBytes / spanMs) * hourMs * overhead
  const room = settings.spoolMaxBytes - settings.spoolReserveBytes - sets * overhead
  return {
    spoolMaxBytes: settings.spoolMaxBytes,
    setBytes: sets * overhead,
    amendForMs: wantedBytes > 0 ? settings.amendForMs * (sets / wantedBytes) : settings.amendForMs,
    outboxBytesPerHour,
    bridgesHours: Math.max(0, room) / Math.max(1, outboxBytesPerHour),
  }
}

function cloudPlan({ summaryRows, completenessRows, spanMs, windowLengthMs }: MeasuredSample): Plan['cloud'] {
  const rows = perDay(summaryRows + completenessRows, spanMs)
  // Hours and days beside the windows themselves.
  const withRollups = rows * (1 + (windowLengthMs / hourMs) * (25 / 24))
  return {
    rowsPerDay: withRollups,
    ingestSpoolBytes: rows * ingestKeepsDays * rowBytes.ingestSpool,
    storeBytesPerDay: { duckdb: withRollups * rowBytes.duckdb, influxdb: withRollups * rowBytes.influxdb },
  }
}

/** What a day, a year and an outage come to, from what the agent made of a sample. */
export function planOf(measured: MeasuredSample, wish: TierWish): Plan {
  const { sites, devices, series, readings, messages, bodies, summaryRows, spanMs, windowLengthMs } = measured
  const bytes = bodies.reduce((sum, each) => sum + each, 0)
  const seconds = spanMs / 1000
  return {
    fleet: { sites, devices, series, readingsPerSecond: readings / seconds, messagesPerSecond: messages / seconds },
    windowLengthMs,
    uplink: {
      messagesPerDay: perDay(bodies.length, spanMs),
      bytesPerDay: perDay(bytes, spanMs),
      bytesPerMessage: bytes / Math.max(1, bodies.length),
      bytesPerSummary: bytes / Math.max(1, summaryRows),
      bytesPerReading: bytes / Math.max(1, readings),
      summariesPerDay: perDay(summaryRows, spanMs),
      tiers: tierPlans(measured, wish),
    },
    agent: agentPlan(measured),
    cloud: cloudPlan(measured),
    sample: { spanMs, readings, setAside: measured.setAside },
  }
}
