import type { AgentExplanation, IngestExplanation, SeriesInfo } from '@millrace/contracts'
import { UnreachableError } from '@millrace/pipeline'
import { findJson, getJson, type ServerAddress } from '../verify/api.ts'
import { type Asked, nearest } from './arguments.ts'

/** Everything that was found out about a window. */
export interface Found extends Asked {
  /** Null where it has not heard of the device, or was not reached. */
  agent: AgentExplanation | null
  ingest: IngestExplanation | null
  /** Why one of the two says nothing. */
  unreached: { agent: string | null; ingest: string | null }
  /** Names like it, where nobody has heard of the series. */
  nearest: string[]
}

const nameOf = ({ site, device, metric }: { site: string; device: string; metric: string }) =>
  `${site}/${device}/${metric}`

async function reach<T>(ask: () => Promise<T | undefined>): Promise<{ value: T | null; problem: string | null }> {
  try {
    return { value: (await ask()) ?? null, problem: null }
  } catch (error) {
    if (error instanceof UnreachableError) return { value: null, problem: error.message }
    throw error
  }
}

/** Asks agent and ingest; one that is away is told, not thrown. */
export async function ask(
  asked: Asked,
  { agent, ingest }: { agent: ServerAddress; ingest: ServerAddress },
): Promise<Found> {
  const query = new URLSearchParams({ ...asked.series, start: String(asked.moment) })
  const path = `/api/explain?${query}`
  const [atAgent, atIngest] = await Promise.all([
    reach(async () => (await findJson(agent, path)) as AgentExplanation | undefined),
    reach(async () => (await getJson(ingest, path)) as IngestExplanation),
  ])
  const unknown = atIngest.value?.series.known === false && !atAgent.value?.series
  const known = unknown ? ((await getJson(ingest, '/api/series')) as SeriesInfo[]).map(nameOf) : []
  return {
    ...asked,
    agent: atAgent.value,
    ingest: atIngest.value,
    unreached: { agent: atAgent.problem, ingest: atIngest.problem },
    nearest: unknown ? nearest(nameOf(asked.series), known) : [],
  }
}

/** True where there is something to tell of the window. */
export function isKnown({ agent, ingest }: Found): boolean {
  const window = agent?.window
  const atAgent = window !== undefined && (window.set !== null || window.open !== null)
  const atIngest = ingest !== null && (ingest.parts.length > 0 || ingest.provisional !== null)
  return atAgent || atIngest || (ingest?.rows.some(({ row }) => row !== null) ?? false)
}
