import type { AccountsResponse, PipelineAgent, PipelineResponse, StatusBody } from '@millrace/contracts'

export interface MockAgent {
  site: string
  agent: string
  /** Real ms since it was heard; undefined while it is online. */
  offlineMs?: number
  clock?: Record<string, unknown>
  spool?: Record<string, unknown>
  missingUpstream?: number
  restarts?: number
}

const spoolOf = (name: string) => ({
  ...{ name, bytes: 41_943_040, maxBytes: 2_147_483_648, outboxMessages: 2, outboxBytes: 9_000, full: false },
  ...{ bridgesDays: 41.3, dropped: [] },
})

export function mockStatus({ site, agent, clock, spool }: MockAgent, accounts: AccountsResponse['total']): StatusBody {
  const at = Date.now() - 2_000
  return {
    ...{
      v: 1,
      agent,
      site,
      online: true,
      at,
      version: '0.1.0',
      epoch: `${agent}-e7`,
      settingsHash: '9f2c41d07be3a856',
    },
    clock: { source: 'system', offsetMs: 0, steps: 0, nowMs: at, ...clock },
    spool: { ...spoolOf(`spool-${agent}`), oldestOutboxMs: at - 1_400, ...spool },
    counters: {
      ...{ accepted: accounts.accepted, devices: 12, series: 45, outstanding: 1, amendSpanMs: 86_400_000 },
      ...{ unaccounted: 0, deadLetters: { 'bad-value': accounts.invalid }, qos0: accounts.qos0 },
      floors: { lowestMs: at - 86_460_000, highestMs: at - 86_405_000 },
      disk: { writtenBytes: 5e8, bytesPerDay: 1.9e9, commits: 9_000, commitsPerSecond: 5 },
    },
  }
}

/** As the ingest tells it: every agent has the same accounts. */
export function mockPipeline(agents: readonly MockAgent[], total: AccountsResponse['total']): PipelineResponse {
  const {
    missingUpstream: _missing,
    deadLetters: _letters,
    conflicts: _conflicts,
    mismatch: _mismatch,
    ...accounts
  } = total
  const at = Date.now()
  const known = agents.map((one): PipelineAgent => {
    const { site, agent, offlineMs, missingUpstream = 0, restarts = 0 } = one
    const silentMs = offlineMs ?? 2_000
    return {
      ...{
        site,
        agent,
        online: offlineMs === undefined,
        lastSeenMs: at - silentMs,
        silentMs,
        restarts,
        missingUpstream,
      },
      ...{ readingsPerSecond: offlineMs === undefined ? 44.8 : null, devices: 12, accounts },
      status: mockStatus(one, total),
    }
  })
  return {
    ...{ at, agents: known },
    stages: [
      { stage: 'ingest-collect', total: 90_000, errors: 0, perSecond: 5.6, up: 1 },
      {
        ...{ stage: 'ingest-spool', total: 4_000, errors: 0, perSecond: 0.3, latencyMs: 6.2, up: 1 },
        ...{ bytes: 41_943_040, maxBytes: 4_294_967_296 },
      },
      { stage: 'ingest-store-duckdb', total: 50_000, errors: 0, perSecond: 12.4, latencyMs: 38, behind: 0, up: 1 },
      { stage: 'ingest-serve', total: 900, errors: 0, perSecond: 1.9, latencyMs: 3.1, behind: 1 },
    ],
  }
}
