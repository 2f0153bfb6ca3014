import { createHash } from 'node:crypto'
import type { Clock, Logger } from '@millrace/pipeline'
import { beginnings } from './beginnings.ts'
import type { DevicePlan } from './device.ts'
import { createDeviceFeed } from './device-feed.ts'
import { type FleetScale, planDevices } from './device-plan.ts'
import type { Fleet } from './fleet.ts'
import { createRunWriter, type FleetRun, readRuns } from './ledger/index.ts'
import { createMeasuredFeed } from './measured-feed.ts'
import { startPacer } from './pacer.ts'
import { createDeviceStream, type Perturb, perturbations } from './perturb/index.ts'
import { createProgress, type Progress, type Totals } from './progress.ts'
import { createLane, type Feed, type Publisher } from './publish/index.ts'
import { hashText } from './random.ts'
import { createRunKeeper } from './run-keeper.ts'

export interface SimulationSettings {
  fleet: Fleet
  scale: Omit<FleetScale, 't0Ms'>
  perturb: Perturb
  historyMs: number
  /** Event time after T0 at which the run is over; endless without. */
  durationMs?: number | undefined
  /** Folder; nothing is kept without one. */
  ledger?: string | undefined
}

export interface SimulationParts {
  clock: Clock
  log: Logger
  publishers: readonly Publisher[]
}

export interface Simulation {
  readonly t0Ms: number
  readonly totals: Readonly<Totals>
  readonly devices: number
  /** How far the simulator is behind the clock, ms. */
  behindMs(): number
  connected(): number
  /** Everything that lay before T0 is acknowledged. */
  readonly historyDone: Promise<void>
  /** Everything up to the end of the duration is acknowledged. */
  readonly finished: Promise<void>
  /** Waits a moment for acknowledgements, then writes the ledger for the last time. Safe twice. */
  stop(): Promise<void>
}

/** generate -> perturb -> publish: sensors make readings, perturbations bend messages, lanes send what is due. */
export async function startSimulation(settings: SimulationSettings, parts: SimulationParts): Promise<Simulation> {
  const t0Ms = parts.clock.now()
  const plans = await planDevices(settings.fleet, { ...settings.scale, t0Ms })
  const run = openRun(settings, { plans, t0Ms })
  const totals: Totals = { sent: 0, acked: 0 }
  const feeds = plans.map((plan) => feedOf(plan, { settings, run, totals }))
  const lanes = parts.publishers.map((publisher, lane, all) =>
    createLane(
      publisher,
      feeds.filter((_feed, index) => index % all.length === lane),
    ),
  )
  const repeats = () => parts.publishers.reduce((sum, publisher) => sum + publisher.repeats, 0)
  const keeper = createRunKeeper({
    ...parts,
    writer: run.writer,
    state: () => ({ ...run.state(), repeats: repeats() }),
  })
  await Promise.all([keeper.start(), ...parts.publishers.map((publisher) => publisher.start())])
  const pacer = startPacer({ lanes, keeper, clock: parts.clock, t0Ms: run.t0Ms, endMs: run.endMs })
  return {
    ...{ t0Ms: run.t0Ms, totals, devices: plans.length },
    ...{ historyDone: pacer.historyDone, finished: pacer.finished },
    behindMs: () => Math.max(0, parts.clock.now() - Math.min(...lanes.map((lane) => lane.nextMs()))),
    connected: () => parts.publishers.filter(({ connected }) => connected).length,
    async stop() {
      await pacer.stop()
      await Promise.all(parts.publishers.map((publisher) => publisher.stop()))
      await keeper.stop()
    },
  }
}

type OpenRun = ReturnType<typeof openRun>

/** A new run after those of the ledger. */
function openRun(settings: SimulationSettings, { plans, t0Ms }: { plans: DevicePlan[]; t0Ms: number }) {
  const { fleet, scale, perturb, historyMs, durationMs, ledger } = settings
  const runs = ledger === undefined ? [] : readRuns(ledger)
  const number = runs.length === 0 ? 0 : runs.at(-1)!.run + 1
  const begins = beginnings(runs, { t0Ms, historyMs })
  const runName = hashText(`${t0Ms}/${number}`, scale.seed).toString(36)
  const progress = new Map<string, Progress>()
  const head: Omit<FleetRun, 'horizonMs' | 'ended' | 'progress' | 'repeats'> = {
    ...{ v: 1, kind: 'fleet', run: number, startedMs: Date.now(), seed: scale.seed, t0Ms, runName, fleet },
    fleetHash: createHash('sha256').update(JSON.stringify(fleet)).digest('hex'),
    ...(scale.devices !== undefined && { devices: scale.devices }),
    ...(scale.rateHz !== undefined && { rateHz: scale.rateHz }),
    perturb: Object.fromEntries(Object.entries(perturb).flatMap(([name, share]) => (share ? [[name, share]] : []))),
  }
  return {
    ...{ t0Ms, runName, progress, plans },
    endMs: t0Ms + (durationMs ?? Number.POSITIVE_INFINITY),
    writer: ledger === undefined ? undefined : createRunWriter(ledger, number),
    fromMs: (plan: DevicePlan) => (plan.stamped && !plan.measured ? begins(`${plan.site}/${plan.device}`) : t0Ms),
    state: () => ({
      ...head,
      progress: Object.fromEntries([...progress].map(([name, each]) => [name, each.state()])),
    }),
  }
}

interface FeedParts {
  settings: SimulationSettings
  run: OpenRun
  totals: Totals
}

function feedOf(plan: DevicePlan, { settings, run, totals }: FeedParts): Feed {
  const fromMs = run.fromMs(plan)
  const keep = (first: number) => {
    const progress = createProgress(first)
    run.progress.set(`${plan.site}/${plan.device}`, progress)
    return progress
  }
  if (plan.measured) {
    const record = (line: Parameters<NonNullable<OpenRun['writer']>['appendHostLine']>[0]) =>
      run.writer?.appendHostLine(line)
    return createMeasuredFeed({ plan, totals, fromMs, record, boot: `${run.runName}-0`, progress: keep(0) })
  }
  const stream = createDeviceStream(plan, {
    ...{ fleetSeed: settings.scale.seed, t0Ms: run.t0Ms, fromMs, runName: run.runName },
    perturbations: chosen(settings.perturb),
  })
  return createDeviceFeed({ plan, stream, totals, progress: keep(stream.firstTick) })
}

/** The perturbations that happen at all. */
export function chosen(perturb: Perturb) {
  return perturbations.flatMap((perturbation) => {
    const share = perturb[perturbation.name] ?? 0
    return share > 0 ? [{ perturbation, share }] : []
  })
}
