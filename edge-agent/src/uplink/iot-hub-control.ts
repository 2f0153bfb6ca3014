import { isDeepStrictEqual } from 'node:util'
import { type Clock, type Logger, pause } from '@millrace/pipeline'
import type { HubHandlers } from '@millrace/transports'
import { readDesired } from './desired.ts'
import { DesiredSettings } from './desired-settings.ts'
import type { Budget } from './iot-hub-budget.ts'
import { commandOf } from './iot-hub-command.ts'
import { hubMethods } from './iot-hub-methods.ts'
import { reportOf } from './iot-hub-report.ts'
import type { Remote } from './remote.ts'
import { type SeriesFilter, seriesFilter } from './series-filter.ts'
import type { UplinkState } from './uplink.ts'

export interface HubControlOptions {
  budget: Budget
  /** As the config file has it. */
  live: readonly string[]
  clock: Clock
  log: Logger
  state: UplinkState
}

type Patch = Record<string, unknown>

const reportEveryMs = 60_000
/** Counters move all the time: they alone are no reason to write more often. */
const countersEveryMs = 300_000
const soonMs = 200
const counters = ['accounts', 'spool', 'quota', 'clock']

/** What the hub asks of the agent, and what the agent tells it in its twin. */
export class HubControl {
  readonly handlers: HubHandlers
  readonly #options: HubControlOptions
  readonly #fileBlocks: number
  readonly #stopped = new AbortController()
  #remote: Remote | undefined
  readonly #settings: DesiredSettings
  #filter: SeriesFilter
  #briefly: { filter: SeriesFilter; globs: readonly string[]; untilMs: number } | undefined
  #reported: Patch = {}
  #reporting: Promise<void> | undefined
  #hurry: () => void = () => undefined
  #countersMs = Number.NEGATIVE_INFINITY
  #commands = { published: 0, failed: 0 }

  constructor(options: HubControlOptions) {
    this.#options = options
    this.#fileBlocks = options.budget.maxBlocksPerDay
    this.#filter = seriesFilter(options.live)
    const { log, state } = options
    this.#settings = new DesiredSettings({ log, state, remote: () => this.#known(), read: readDesired })
    this.handlers = {
      onDesired: (desired) => void this.#onDesired(desired),
      onCommand: async (command) => {
        try {
          await this.#known().command(commandOf(command))
          this.#commands.published++
        } catch (error) {
          this.#commands.failed++
          throw error
        }
      },
      methods: hubMethods({ remote: () => this.#known(), setLive: (globs, forMs) => this.#setLive(globs, forMs) }),
    }
  }

  async start(remote: Remote, report: (patch: Patch) => Promise<void>): Promise<void> {
    this.#remote = remote
    await this.#settings.restore()
    this.#obey()
    this.#reporting ??= this.#keepReporting(report)
  }

  stop(): void {
    this.#stopped.abort(new Error('stopped'))
  }

  wanted(): SeriesFilter {
    if (this.#briefly && this.#options.clock.monotonic() < this.#briefly.untilMs) return this.#briefly.filter
    this.#briefly = undefined
    return this.#filter
  }

  detail(): Record<string, unknown> {
    const { inForce, report } = this.#settings
    const live = this.wanted() === 'none' ? [] : (this.#briefly?.globs ?? inForce.live ?? this.#options.live)
    return { settings: report, live, commands: this.#commands }
  }

  #known(): Remote {
    if (!this.#remote) throw new Error('the agent has not started yet')
    return this.#remote
  }

  async #onDesired(properties: Readonly<Record<string, unknown>>): Promise<void> {
    const version = typeof properties.$version === 'number' ? properties.$version : null
    const before = this.#settings.report
    // A device that was made anew has a twin that was never written to.
    if ((version ?? 0) < (before.version ?? 0)) this.#reported = {}
    await this.#settings.take(version, properties.millrace)
    this.#obey()
    if (!isDeepStrictEqual(before, this.#settings.report)) this.#hurry()
  }

  #obey(): void {
    const { live, quota } = this.#settings.inForce
    this.#filter = seriesFilter(live ?? this.#options.live)
    this.#options.budget.maxBlocksPerDay = quota.maxBlocksPerDay ?? this.#fileBlocks
  }

  #setLive(globs: readonly string[], forMs: number): void {
    const untilMs = this.#options.clock.monotonic() + forMs
    this.#briefly = { filter: seriesFilter(globs), globs, untilMs }
  }

  async #keepReporting(report: (patch: Patch) => Promise<void>): Promise<void> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      // What cannot be told now is told when there is a connection again.
      const told = await this.#tell(report).catch(() => false)
      await this.#restUntilHurry(told ? reportEveryMs : reportEveryMs / 12)
    }
  }

  async #restUntilHurry(ms: number): Promise<void> {
    const hurried = new AbortController()
    this.#hurry = () => hurried.abort(new Error('hurry'))
    const signal = AbortSignal.any([this.#stopped.signal, hurried.signal])
    await pause(ms, signal).catch(() => undefined)
    if (hurried.signal.aborted) await pause(soonMs, this.#stopped.signal).catch(() => undefined)
  }

  async #tell(report: (patch: Patch) => Promise<void>): Promise<boolean> {
    const { log: _log, ...rest } = this.#options
    const full = reportOf({
      ...rest,
      status: await this.#known().status(),
      settings: this.#settings.report,
      desired: this.#settings.inForce,
    })
    const changed = Object.entries(full).filter(([name, value]) => !isDeepStrictEqual(value, this.#reported[name]))
    const now = performance.now()
    const onlyCounters = changed.every(([name]) => counters.includes(name))
    if (changed.length === 0 || (onlyCounters && now - this.#countersMs < countersEveryMs)) return true
    await report({ millrace: Object.fromEntries(changed) })
    this.#reported = full
    this.#countersMs = now
    return true
  }
}
