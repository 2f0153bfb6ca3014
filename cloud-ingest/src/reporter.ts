import type { DeviceAccounts, StatusBody } from '@millrace/contracts'
import { type Clock, type Logger, pause } from '@millrace/pipeline'
import type { Figures, SiteFigures, StageFigures } from './figures.ts'
import type { Store } from './stored.ts'
import { Rates, type Tally } from './tally.ts'

const reportEveryMs = 10_000
const hourMs = 3_600_000

/** What the stages of the ingest have counted, and how they are. */
export interface StageSource {
  stage: string
  tally?: Tally
  now(): Promise<Omit<StageFigures, 'stage'>>
}

export interface ReporterOptions {
  clock: Clock
  log: Logger
  stores: readonly Store[]
  statuses: ReadonlyMap<string, StatusBody>
  /** When a status came, monotonic ms: agents tell theirs in a rhythm of their own. */
  arrivedMs(status: StatusBody): number | undefined
  accounts(): Promise<{ devices: readonly DeviceAccounts[]; mismatchBySite: Readonly<Record<string, number>> }>
  stages: readonly StageSource[]
}

/** Every few seconds, what the pipeline says of itself goes to the stores that keep such. Best effort. */
export class Reporter {
  private readonly options: ReporterOptions
  private readonly rates = new Rates()
  private readonly stores: readonly Store[]
  private hour: number | undefined

  constructor(options: ReporterOptions) {
    this.options = options
    this.stores = options.stores.filter((store) => store.writeFigures !== undefined)
  }

  /** Resolves when the signal ends; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (this.stores.length > 0 && !signal.aborted) {
      await pause(reportEveryMs, signal).catch(() => undefined)
      if (!signal.aborted) await this.report().catch((error) => this.options.log.debug({ error }, 'no figures stored'))
    }
  }

  async report(): Promise<void> {
    const figures = await this.figures(performance.now())
    await Promise.all(this.stores.map((store) => store.writeFigures?.(figures)))
  }

  async figures(monotonicMs: number): Promise<Figures> {
    const { clock, statuses, stages, arrivedMs } = this.options
    const atMs = clock.now()
    const agents = [...statuses.values()].flatMap((status) => {
      return agentStages(status).map((figures) => this.withRate(figures, arrivedMs(status) ?? monotonicMs))
    })
    const own = await Promise.all(stages.map(ownStage))
    const all = [...agents, ...own.map((figures) => this.withRate(figures, monotonicMs))]
    return { atMs, endOfHourMs: this.endOfHour(atMs), sites: await this.sites(), stages: all }
  }

  private endOfHour(atMs: number): number | undefined {
    const hour = Math.floor(atMs / hourMs) * hourMs
    const ended = this.hour !== undefined && hour > this.hour
    this.hour = hour
    return ended ? hour : undefined
  }

  private withRate(figures: StageFigures, atMs: number): StageFigures {
    const { stage, site = '', agent = '', total } = figures
    if (total === undefined) return figures
    const perSecond = this.rates.perSecond(`${stage}/${site}/${agent}`, total, atMs)
    return perSecond === undefined ? figures : { ...figures, perSecond }
  }

  private async sites(): Promise<SiteFigures[]> {
    const { devices, mismatchBySite } = await this.options.accounts()
    const sites = new Map<string, SiteFigures>()
    for (const device of devices) {
      const site = sites.get(device.site) ?? emptySite(device.site, mismatchBySite[device.site] ?? 0)
      sites.set(device.site, site)
      addDevice(site, device)
    }
    return [...sites.values()]
  }
}

async function ownStage({ stage, tally, now }: StageSource): Promise<StageFigures> {
  const latencyMs = tally?.takeLatencyMs()
  const counted = tally ? { total: tally.total, errors: tally.errors } : {}
  return { stage, ...counted, ...(latencyMs === undefined ? {} : { latencyMs }), ...(await now()) }
}

function emptySite(site: string, mismatch: number): SiteFigures {
  const terms = { accepted: 0, closed: 0, open: 0, duplicate: 0, tooLate: 0, invalid: 0, dropped: 0, qos0: 0 }
  return { site, ...terms, unaccounted: 0, sent: 0, held: 0, refused: 0, mismatch }
}

const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((total, one) => total + one, 0)
const plainTerms = ['accepted', 'closed', 'open', 'duplicate', 'tooLate', 'qos0', 'sent', 'held', 'refused'] as const

function addDevice(site: SiteFigures, device: DeviceAccounts): void {
  for (const term of plainTerms) site[term] += device[term]
  site.invalid += sum(device.invalid)
  site.dropped += sum(device.dropped)
  site.unaccounted += Math.abs(device.unaccounted)
}

function numberOf(values: Record<string, unknown> | undefined, name: string): number | undefined {
  const value = values?.[name]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** The agent's stages as its newest status tells them; an agent that is away only says so. */
function agentStages({ site, agent, online, at, spool, counters }: StatusBody): StageFigures[] {
  const name = { site, agent }
  if (!online) return [{ stage: 'agent-collect', ...name, up: 0 }]
  const count = (term: string) => numberOf(counters, term)
  const lost = [count('tooLate'), count('dropped')].filter((term) => term !== undefined)
  const stages = [
    { stage: 'agent-collect', total: count('accepted'), up: 1 as const },
    { stage: 'agent-decode', errors: count('invalid') },
    { stage: 'agent-rollup', total: count('closed'), errors: lost.reduce((a, b) => a + b, 0), behind: count('open') },
    {
      stage: 'agent-spool',
      bytes: numberOf(spool, 'bytes'),
      maxBytes: numberOf(spool, 'maxBytes'),
      up: spool?.full === true ? (0 as const) : (1 as const),
    },
    {
      stage: 'agent-uplink',
      behind: numberOf(spool, 'outboxMessages'),
      latencyMs: waitingMs(spool, at),
    },
  ]
  return stages.map((figures) => known({ ...figures, ...name }))
}

/** Age of the oldest message without a receipt; 0 where none waits, undefined where the status does not tell. */
function waitingMs(spool: StatusBody['spool'], at: number | undefined): number | undefined {
  if (spool?.oldestOutboxMs === null) return 0
  const oldestMs = numberOf(spool, 'oldestOutboxMs')
  return oldestMs === undefined || at === undefined ? undefined : Math.max(0, at - oldestMs)
}

function known(figures: { [Name in keyof StageFigures]: StageFigures[Name] | undefined }): StageFigures {
  return Object.fromEntries(
    Object.entries(figures).filter(([, value]) => value !== undefined),
  ) as unknown as StageFigures
}
