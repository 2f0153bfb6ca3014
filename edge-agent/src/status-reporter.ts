import type { Clock } from '@millrace/pipeline'
import type { JournalEntry } from '@millrace/windows'
import agentPackage from '../package.json' with { type: 'json' }
import { type DeviceAccount, deviceAccounts, totalAccounts, totalUnaccounted } from './accounts.ts'
import type { AgentConfig } from './config.ts'
import { diskWear, writtenBytes } from './disk-wear.ts'
import { Pace } from './pace.ts'
import type { Pipeline } from './pipeline.ts'
import { settingsHashOf } from './settings-hash.ts'
import { type AgentSpool, readRolledBack, reserveOf } from './spool/index.ts'
import { type AgentStatus, type DeviceStatus, deviceStatus, floorsOf } from './status.ts'
import { statusEveryOf } from './uplink/index.ts'

export interface StatusReporterOptions {
  pipeline: Pipeline
  config: AgentConfig
  clock: Clock
  isFull(): boolean
}

const dayMs = 86_400_000
/** Time constant of the rates, in ticks of one second. */
const smoothing = 1 / 10

/** Gathers what the agent says of itself. */
export class StatusReporter {
  readonly #options: StatusReporterOptions
  readonly #startedMs = performance.now()
  readonly #settingsHash: string
  readonly #written = new Pace()
  readonly #kept = new Pace()
  #readings = 0
  #lastReadings = 0
  #lastMessages = 0
  #rates = { messagesPerSecond: 0, readingsPerSecond: 0 }

  constructor(options: StatusReporterOptions) {
    this.#options = options
    this.#settingsHash = settingsHashOf(options.config)
  }

  get settingsHash(): string {
    return this.#settingsHash
  }

  see(entry: JournalEntry): void {
    if (entry.kind !== 'data') return
    this.#readings += entry.batch.readings.length
    this.#options.pipeline.doctor.policy.see(entry.batch)
  }

  /** Call it every second. */
  tick(): void {
    const { messages } = this.#options.pipeline.commits
    const { messagesPerSecond, readingsPerSecond } = this.#rates
    this.#rates = {
      messagesPerSecond: messagesPerSecond + (messages - this.#lastMessages - messagesPerSecond) * smoothing,
      readingsPerSecond: readingsPerSecond + (this.#readings - this.#lastReadings - readingsPerSecond) * smoothing,
    }
    this.#lastMessages = messages
    this.#lastReadings = this.#readings
  }

  async status(): Promise<AgentStatus> {
    const { pipeline, config } = this.#options
    const { spool, rollup, names, reports, time } = pipeline
    const uptimeMs = Math.round(performance.now() - this.#startedMs)
    const state = await spool.state()
    const [dropped, deadLetters] = await Promise.all([spool.dropped(), spool.deadLetterCounts()])
    const lostMessages = await pipeline.ledger.lost()
    const accounts = totalAccounts(rollup.keeper)
    const unaccounted = lostMessages + totalUnaccounted(rollup.keeper, (device) => reports.sent(device))
    const { messagesPerSecond, readingsPerSecond } = this.#rates
    const { name, epoch, movedAside } = spool
    return {
      ...{ agent: config.agent, site: config.site, version: agentPackage.version, epoch },
      settingsHash: this.#settingsHash,
      windowLengthMs: rollup.keeper.settings.lengthMs,
      windowLatenessMs: rollup.keeper.settings.latenessMs,
      uptimeMs,
      statusEveryMs: statusEveryOf(pipeline.uplink),
      spool: {
        ...{ name, ...state, full: this.#options.isFull(), movedAside, dropped, ...pipeline.lineage.status },
        ...(await lineageOf(spool)),
        gaveUp: spool.givenUp.ranges(),
        bridgesDays: this.#bridgesDays(state.bytes),
      },
      clock: { ...time.state(), nowMs: time.now() ?? null, devices: pipeline.doctor.status() },
      uplink: this.#uplink(),
      collect: pipeline.source.state?.() ?? {},
      disk: diskWear({
        writtenBytes: await writtenBytes(),
        commits: spool.transactions,
        uptimeMs,
        pace: this.#written,
      }),
      sensors: pipeline.sensors.map((sensor) => sensor.condition()),
      rates: { messagesPerSecond: round(messagesPerSecond), readingsPerSecond: round(readingsPerSecond) },
      ignoredMessages: pipeline.decoder.ignored,
      amendSpanMs: rollup.keeper.amendSpanMs,
      floors: floorsOf(rollup.keeper),
      ...{ accounts, open: accounts.open, unaccounted, lostMessages, deadLetters },
      ...{ devices: names.deviceCount - 1, series: names.seriesCount },
      ...(pipeline.rules ? { rules: pipeline.rules.status() } : {}),
    }
  }

  /** What each device's readings came to, as of now. */
  accounts(): DeviceAccount[] {
    const { rollup, names, reports } = this.#options.pipeline
    return deviceAccounts({ keeper: rollup.keeper, names, sent: (device) => reports.sent(device) })
  }

  /** As a checkpoint leaves it: what is closed is in the outbox, what is open is named. */
  async devices(): Promise<DeviceStatus[]> {
    const { commits, checkpoints, rollup, names, reports, doctor } = this.#options.pipeline
    const sent = (device: number) => reports.sent(device)
    const clock = (device: number) => doctor.of(device)
    let devices: DeviceStatus[] = []
    await commits.flush()
    await checkpoints.run((waiting) => {
      devices = deviceStatus({ keeper: rollup.keeper, names, sent, clock }, waiting)
    })
    return devices
  }

  #uplink(): AgentStatus['uplink'] {
    const { uplink, sender } = this.#options.pipeline
    const { connected, lastError, certificates = [] } = uplink
    const { outstanding, setAside } = sender
    return {
      connected,
      outstanding,
      lastError,
      certificates,
      setAside,
      ...(uplink.detail ? { detail: uplink.detail() } : {}),
    }
  }

  #bridgesDays(usedBytes: number): number | null {
    const { config, pipeline } = this.#options
    const uptimeMs = performance.now() - this.#startedMs
    const perDay = (this.#kept.take(uptimeMs, pipeline.checkpoints.messageBytes) ?? 0) * dayMs
    const { maxBytes } = config.spool
    return perDay > 0 ? round(Math.max(0, maxBytes - reserveOf(maxBytes) - usedBytes) / perDay) : null
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

/** What became of spools that this one was a copy of. */
async function lineageOf(spool: AgentSpool) {
  const waiting = await Promise.all(spool.inherited.map(({ outbox }) => outbox.counts(spool.file)))
  const inheritedMessages = waiting.reduce((sum, { messages }) => sum + messages, 0)
  return { rolledBack: await readRolledBack(spool.file), inheritedMessages }
}
