import { createHash } from 'node:crypto'
import type { Clock } from '@millrace/pipeline'
import type { JournalEntry } from '@millrace/windows'
import agentPackage from '../package.json' with { type: 'json' }
import type { AgentConfig } from './config.ts'
import { diskWear, writtenBytes } from './disk-wear.ts'
import type { Pipeline } from './pipeline.ts'
import { reserveOf } from './spool/index.ts'
import { type AgentStatus, type DeviceStatus, deviceStatus, floorsOf, totalAccounts, unaccountedOf } from './status.ts'

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
  #readings = 0
  #lastReadings = 0
  #lastMessages = 0
  #rates = { messagesPerSecond: 0, readingsPerSecond: 0 }

  constructor(options: StatusReporterOptions) {
    this.#options = options
    this.#settingsHash = createHash('sha256').update(JSON.stringify(options.config)).digest('hex').slice(0, 16)
  }

  see(entry: JournalEntry): void {
    if (entry.kind === 'data') this.#readings += entry.batch.readings.length
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
    const { spool, rollup, names, time } = pipeline
    const uptimeMs = Math.round(performance.now() - this.#startedMs)
    const state = await spool.state()
    const [dropped, deadLetters] = await Promise.all([spool.dropped(), spool.deadLetterCounts()])
    const accounts = totalAccounts(rollup.keeper)
    const { messagesPerSecond, readingsPerSecond } = this.#rates
    const { name, epoch, movedAside } = spool
    return {
      ...{ agent: config.agent, site: config.site, version: agentPackage.version, epoch },
      settingsHash: this.#settingsHash,
      windowLengthMs: rollup.keeper.settings.lengthMs,
      windowLatenessMs: rollup.keeper.settings.latenessMs,
      uptimeMs,
      spool: {
        ...{ name, ...state, full: this.#options.isFull(), movedAside, dropped },
        bridgesDays: this.#bridgesDays(state.bytes),
      },
      clock: { ...time.state(), nowMs: time.now() ?? null },
      uplink: this.#uplink(),
      disk: diskWear({ writtenBytes: await writtenBytes(), commits: spool.transactions, uptimeMs }),
      sensors: pipeline.sensors.map((sensor) => sensor.state()),
      rates: { messagesPerSecond: round(messagesPerSecond), readingsPerSecond: round(readingsPerSecond) },
      ignoredMessages: pipeline.decoder.ignored,
      amendSpanMs: rollup.keeper.amendSpanMs,
      floors: floorsOf(rollup.keeper),
      ...{ accounts, open: accounts.open, unaccounted: unaccountedOf(accounts), deadLetters },
      ...{ devices: names.deviceCount - 1, series: names.seriesCount },
      ...(pipeline.rules ? { rules: pipeline.rules.status() } : {}),
    }
  }

  /** As a checkpoint leaves it: what is closed is in the outbox, what is open is named. */
  async devices(): Promise<DeviceStatus[]> {
    const { commits, checkpoints, rollup, names, reports } = this.#options.pipeline
    const sent = (device: number) => reports.sent(device)
    let devices: DeviceStatus[] = []
    await commits.flush()
    await checkpoints.run((waiting) => {
      devices = deviceStatus({ keeper: rollup.keeper, names, sent }, waiting)
    })
    return devices
  }

  #uplink(): AgentStatus['uplink'] {
    const { uplink, sender } = this.#options.pipeline
    const { connected, lastError } = uplink
    const { outstanding, setAside } = sender
    return { connected, outstanding, lastError, setAside, ...(uplink.detail ? { detail: uplink.detail() } : {}) }
  }

  #bridgesDays(usedBytes: number): number | null {
    const { config, pipeline } = this.#options
    const perDay = (pipeline.checkpoints.messageBytes / (performance.now() - this.#startedMs)) * dayMs
    const { maxBytes } = config.spool
    return perDay > 0 ? round(Math.max(0, maxBytes - reserveOf(maxBytes) - usedBytes) / perDay) : null
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
