import type { AgentAccounts, DeviceAccounts, PipelineAgent, PipelineResponse, PipelineStage } from '@millrace/contracts'
import type { Clock } from '@millrace/pipeline'
import type { StageSource } from '../reporter.ts'
import type { SeenAgent, SeenAgents } from './agents.ts'

/** Pages that ask within this time get one answer, unless an agent came or went. */
const keepMs = 1_000

/** What messages have told, with the messages missing of each spool and site. */
interface Told {
  devices: readonly DeviceAccounts[]
  missing: readonly { site: string; agent: string; spool: string; messages: number }[]
}

export interface PipelineOptions {
  clock: Clock
  agents: SeenAgents
  accounts(): Promise<Told>
  stages: readonly StageSource[]
}

/** How the pipeline is at this moment, for the page. */
export class PipelineFigures {
  private readonly options: PipelineOptions
  private answer: Promise<PipelineResponse> | undefined
  private changes = 0
  private askedMs = Number.NEGATIVE_INFINITY

  constructor(options: PipelineOptions) {
    this.options = options
  }

  async read(): Promise<PipelineResponse> {
    const now = performance.now()
    const { changes } = this.options.agents
    if (!this.answer || changes !== this.changes || now - this.askedMs >= keepMs) {
      this.changes = changes
      this.askedMs = now
      this.answer = this.measure(now)
    }
    return await this.answer
  }

  private async measure(nowMs: number): Promise<PipelineResponse> {
    const { clock, agents, accounts, stages } = this.options
    const known = gather(agents.list(), await accounts(), nowMs)
    return {
      at: clock.now(),
      agents: known,
      stages: await Promise.all(stages.map(stageOf)),
    }
  }
}

async function stageOf({ stage, tally, now }: StageSource): Promise<PipelineStage> {
  const figures = await now()
  if (!tally) return { stage, ...figures }
  const { total, errors, recentLatencyMs } = tally
  return {
    ...{ stage, total, errors, perSecond: tally.recentPerSecond() },
    ...(recentLatencyMs === undefined ? {} : { latencyMs: recentLatencyMs }),
    ...figures,
  }
}

const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((total, one) => total + one, 0)

function noAccounts(): AgentAccounts {
  return {
    ...{ accepted: 0, closed: 0, open: 0, duplicate: 0, tooLate: 0, invalid: 0, dropped: 0 },
    ...{ qos0: 0, unaccounted: 0, sent: 0, held: 0, refused: 0 },
  }
}

const plainTerms = ['accepted', 'closed', 'open', 'duplicate', 'tooLate', 'qos0', 'sent', 'held', 'refused'] as const

function add(agent: PipelineAgent, device: DeviceAccounts): void {
  const { accounts } = agent
  for (const term of plainTerms) accounts[term] += device[term]
  accounts.invalid += sum(device.invalid)
  accounts.dropped += sum(device.dropped)
  accounts.unaccounted += Math.abs(device.unaccounted)
  agent.devices++
}

function fromStatus(seen: SeenAgent, nowMs: number): PipelineAgent {
  const { seenMonotonicMs, ...said } = seen
  return { ...said, silentMs: nowMs - seenMonotonicMs, devices: 0, missingUpstream: 0, accounts: noAccounts() }
}

function unseen({ site, agent }: { site: string; agent: string }): PipelineAgent {
  return {
    ...{ site, agent, online: false, lastSeenMs: null, silentMs: null, restarts: 0, readingsPerSecond: null },
    ...{ devices: 0, missingUpstream: 0, accounts: noAccounts(), status: null },
  }
}

/**
 * Accounts name the site of the device, a status the site of the agent. They belong together by the spool's name; the
 * accounts of a spool that no status names are those of the agent of that name.
 */
class Gathered {
  readonly all: PipelineAgent[]

  constructor(all: PipelineAgent[]) {
    this.all = all
  }

  of(source: { site: string; agent: string; spool: string }): PipelineAgent {
    const namesakes = this.all.filter(({ agent }) => agent === source.agent)
    const known =
      namesakes.find(({ status }) => status?.spool?.name === source.spool) ??
      namesakes.find(({ site }) => site === source.site) ??
      namesakes[0]
    if (known) return known
    const added = unseen(source)
    this.all.push(added)
    return added
  }
}

function gather(seen: readonly SeenAgent[], { devices, missing }: Told, nowMs: number): PipelineAgent[] {
  const gathered = new Gathered(seen.map((one) => fromStatus(one, nowMs)))
  for (const device of devices) add(gathered.of(device), device)
  for (const source of missing) gathered.of(source).missingUpstream += source.messages
  // An agent also misses what its devices' rows cannot show.
  for (const { accounts, status } of gathered.all) {
    const said = status?.counters?.unaccounted
    if (typeof said === 'number') accounts.unaccounted = Math.max(accounts.unaccounted, said)
  }
  return gathered.all.sort((a, b) => `${a.site}/${a.agent}`.localeCompare(`${b.site}/${b.agent}`, 'en'))
}
