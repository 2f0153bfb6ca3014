import type { StatusBody } from '@millrace/contracts'
import type { Clock } from '@millrace/pipeline'

/** What statuses have told of one agent since this ingest started. */
export interface SeenAgent {
  site: string
  agent: string
  online: boolean
  lastSeenMs: number
  seenMonotonicMs: number
  restarts: number
  readingsPerSecond: number | null
  status: StatusBody | null
}

function acceptedOf(status: StatusBody | null): number | undefined {
  const accepted = status?.counters?.accepted
  return typeof accepted === 'number' ? accepted : undefined
}

function restartsOf(known: SeenAgent | undefined, { epoch }: StatusBody): number {
  if (!known) return 0
  return epoch !== undefined && known.status?.epoch !== undefined && known.status.epoch !== epoch
    ? known.restarts + 1
    : known.restarts
}

/** The agents by what they say of themselves: a last will ends the connection and forgets nothing. */
export class SeenAgents {
  /** Grows with every status. */
  changes = 0
  private readonly byName = new Map<string, SeenAgent>()
  private readonly clock: Clock

  constructor(clock: Clock) {
    this.clock = clock
  }

  list(): SeenAgent[] {
    return [...this.byName.values()]
  }

  see(body: StatusBody): void {
    this.changes++
    const { site, agent, online } = body
    const key = `${site}/${agent}`
    const known = this.byName.get(key)
    const seenMonotonicMs = performance.now()
    // The first status may have been kept by the broker for long.
    const now = this.clock.now()
    const lastSeenMs = known ? now : Math.min(now, body.at ?? now)
    const status = online ? body : (known?.status ?? null)
    const readingsPerSecond = online && known ? rateOf(known, body, seenMonotonicMs) : null
    const restarts = restartsOf(known, body)
    this.byName.set(key, { site, agent, online, lastSeenMs, seenMonotonicMs, restarts, readingsPerSecond, status })
  }
}

/** Statuses may follow each other at once, as on a new connection: then the rate before stands. */
function rateOf(known: SeenAgent, body: StatusBody, nowMs: number): number | null {
  const [before, after] = [acceptedOf(known.status), acceptedOf(body)]
  const tookMs = nowMs - known.seenMonotonicMs
  if (tookMs < 1_000) return known.readingsPerSecond
  if (!known.online || before === undefined || after === undefined || after < before) return null
  return ((after - before) * 1000) / tookMs
}
