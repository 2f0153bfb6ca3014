import { createMeters, type HttpServer, type Meters } from '@millrace/pipeline'
import type { KeptLetter } from '@millrace/spool'
import { createRemote } from './agent-remote.ts'
import { timeCheckMs } from './agent-time.ts'
import { createPressure } from './give-up.ts'
import { createAgentHttp } from './http.ts'
import { Live } from './live.ts'
import { openPipeline, type Pipeline, type PipelineOptions, startPipeline, stopPipeline } from './pipeline.ts'
import type { Pressure } from './pressure.ts'
import { replayLetter } from './replay.ts'
import { Provisional } from './rollup/index.ts'
import type { ServiceManager } from './service-manager.ts'
import { offline, statusBody } from './status.ts'
import { StatusReporter } from './status-reporter.ts'
import { Ticker } from './ticker.ts'
import { Upkeep } from './upkeep.ts'
import { type Remote, statusEveryOf } from './uplink/index.ts'

export type AgentOptions = Pick<PipelineOptions, 'config' | 'clock' | 'log'> & {
  /** Who started the agent, where it wants to be told how it is. */
  manager?: ServiceManager
}

/** A running agent. */
export interface Agent {
  readonly pipeline: Pipeline
  readonly reporter: StatusReporter
  readonly httpPort: number
  /** Where devices reach it; undefined where it is a client of another broker. */
  readonly mqttPort: number | undefined
  /** Rejects when the agent can go on no longer. */
  readonly ended: Promise<never>
  /** Checkpoints open windows and closes; safe twice. */
  stop(): Promise<void>
}

const spanEveryMs = 10_000
const offlineWithinMs = 500

/** Starts an agent for as long as its spool keeps its name; rejects with a MillraceError that a person can act on. */
export async function startLife(options: AgentOptions & Pick<PipelineOptions, 'onForked'>): Promise<Agent> {
  const { config, clock, log } = options
  const failure = Promise.withResolvers<never>()
  // A failure before anyone waits for it is reported by whoever waits later.
  failure.promise.catch(() => undefined)
  let pressure: Pressure | undefined
  let mqttPort: number | undefined
  const pipeline = await openPipeline({
    ...options,
    listening: ({ port }) => {
      mqttPort = port
    },
    onFull: () => pressure?.onFull(),
    onFailure: failure.reject,
  })
  const meters = createMeters('millrace_agent')
  const reporter = new StatusReporter({ pipeline, config, clock, isFull: () => pressure?.full ?? false })
  const upkeep = new Upkeep({
    ...{ keeper: pipeline.rollup.keeper, clock, idleMs: config.windows.idle },
    amendForMs: config.windows.amendFor,
    // In a small spool the sets must leave room for what nobody has receipted yet.
    amendMaxBytes: Math.min(config.windows.amendMaxBytes, config.spool.maxBytes / 4),
  })
  pressure = createPressure(options, pipeline, upkeep)
  const running = new RunningAgent({ options, pipeline, reporter, upkeep, pressure, meters })
  try {
    const httpPort = await running.start()
    void options.manager?.ready()
    log.info({ spool: pipeline.spool.name, replayed: pipeline.replayed }, 'agent started')
    const stop = () => running.stop()
    return { pipeline, reporter, httpPort, mqttPort, ended: failure.promise, stop }
  } catch (error) {
    await running.stop()
    throw error
  }
}

interface RunningParts {
  options: AgentOptions
  pipeline: Pipeline
  reporter: StatusReporter
  upkeep: Upkeep
  pressure: Pressure
  meters: Meters
}

class RunningAgent {
  readonly #parts: RunningParts
  readonly #ticker: Ticker
  readonly #live: Live
  readonly #provisional: Provisional
  readonly #http: HttpServer
  readonly #remote: Remote
  #listening = false
  #stopping: Promise<void> | undefined

  constructor(parts: RunningParts) {
    const { options, pipeline, reporter, meters } = parts
    const { config, log } = options
    this.#parts = parts
    this.#ticker = new Ticker((error) => log.error({ error }, 'a periodic task failed'))
    this.#live = new Live(pipeline.names)
    this.#provisional = new Provisional(pipeline.names)
    this.#remote = createRemote(pipeline, reporter, config)
    const explain = this.#remote.explain
    const replay = (letter: KeptLetter) => replayLetter(letter, { pipeline, config, clock: options.clock })
    const deadLetters = { spool: pipeline.spool.file, replay }
    const about = { config, log, meters, reporter, explain, deadLetters }
    this.#http = createAgentHttp({ ...about, ready: () => this.#ready() })
  }

  async start(): Promise<number> {
    const { pipeline, upkeep } = this.#parts
    const { port } = await this.#http.listen()
    this.#follow()
    const anchor = pipeline.time.check()
    if (anchor) pipeline.firstEntries.push(anchor)
    await startPipeline(pipeline, { onConnect: () => this.#onConnect(), remote: this.#remote })
    upkeep.listening()
    this.#listening = true
    this.#keepTime()
    return port
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    const { pipeline, options } = this.#parts
    // What tells systemd waits until it was heard; the agent does not.
    if (pipeline.receipts.fork === undefined) void options.manager?.stopping()
    await this.#ticker.stop()
    await this.#http.close()
    if (pipeline.uplink.connected) {
      const { body } = offline(options.config)
      const said = pipeline.uplink.send({ site: options.config.site, kind: 'status', body, retain: true })
      await Promise.race([said, new Promise((resolve) => setTimeout(resolve, offlineWithinMs).unref())])
    }
    await stopPipeline(pipeline, options.clock)
  }

  #ready(): { ok: boolean; reasons: string[] } {
    const { problem } = this.#parts.pipeline.checkpoints
    const reasons = [
      ...(this.#listening ? [] : ['not listening for devices yet']),
      ...(this.#parts.pressure.full ? ['the spool is full'] : []),
      ...[problem, this.#parts.pipeline.source.problem?.()].filter((text) => text !== undefined),
    ]
    return { ok: reasons.length === 0, reasons }
  }

  /** What is shown at once and what is learned from each entry, after it is in the windows. */
  #follow(): void {
    const { rollup, time } = this.#parts.pipeline
    const timeAt = (monotonicMs: number) => rollup.keeper.timeAt(monotonicMs)
    rollup.onApplied((entry) => {
      if (entry.kind === 'anchor') time.obey(entry)
      if (entry.kind === 'data' && time.now() === undefined) time.observeBatch(entry.batch)
      this.#parts.reporter.see(entry)
      this.#live.see(entry, timeAt)
    })
  }

  #keepTime(): void {
    const { pipeline, upkeep, pressure, reporter, options } = this.#parts
    const { live } = options.config
    const { checkpoints, sender, time, commits, spool } = pipeline
    this.#ticker.every(100, () => checkpoints.tick())
    const senders = [sender, ...pipeline.inherited]
    this.#ticker.every(250, () => {
      for (const one of senders) one.tick()
    })
    this.#ticker.every(1_000, () => this.#watchSilence())
    this.#ticker.every(1_000, () => pressure.tick())
    // Whom a full spool refuses is not silent, nor who talks to a broker that is not reached.
    this.#ticker.every(1_000, () => pipeline.rules?.judge.hears(!pressure.full && pipeline.source.hears?.() !== false))
    this.#ticker.every(1_000, () => reporter.tick())
    this.#ticker.every(timeCheckMs, () => {
      const anchor = time.check()
      if (anchor) commits.append(anchor)
    })
    this.#ticker.every(spanEveryMs, async () => {
      const span = upkeep.span(await spool.setBytes())
      if (span) commits.append(span)
    })
    this.#ticker.every(live.every, () => this.#offerLive())
    this.#ticker.every(live.provisionalEvery, () => this.#offerProvisional())
    this.#ticker.every(statusEveryOf(pipeline.uplink), () => this.#sendStatus())
    const watchdogMs = options.manager?.watchdogMs
    if (watchdogMs !== undefined) this.#ticker.every(watchdogMs / 3, () => this.#proveAlive())
  }

  /** A spool that answers, reached from the loop that serves the devices; the uplink has no say in it. */
  async #proveAlive(): Promise<void> {
    const { pipeline, options, pressure } = this.#parts
    await pipeline.spool.probe()
    const { names, uplink } = pipeline
    const cloud = uplink.connected ? 'connected' : 'not connected'
    const full = pressure.full ? ', the spool is full' : ''
    await options.manager?.alive(`${names.deviceCount - 1} devices, uplink ${cloud}${full}`)
  }

  /** While entries wait for a checkpoint the windows do not know who has just spoken. */
  #watchSilence(): void {
    const { pipeline, upkeep } = this.#parts
    if (pipeline.rollup.waitingBytes > 0) return
    for (const entry of upkeep.silence()) pipeline.commits.append(entry)
  }

  #onConnect(): void {
    const { sender, inherited } = this.#parts.pipeline
    for (const one of [sender, ...inherited]) one.repeatAll()
    this.#sendStatus().catch((error: unknown) => this.#parts.options.log.warn({ error }, 'no status sent'))
  }

  async #sendStatus(): Promise<void> {
    const { pipeline, reporter, options } = this.#parts
    if (!pipeline.uplink.connected) return
    const body = Buffer.from(JSON.stringify(statusBody(await reporter.status())))
    // Repeated soon: one that is lost with its connection, or with the agent, is not missed.
    pipeline.uplink.send({ site: options.config.site, kind: 'status', body, retain: true }).catch(() => undefined)
  }

  #offerLive(): void {
    const { pipeline, options } = this.#parts
    const { uplink } = pipeline
    for (const { site, body } of this.#live.take(options.config.agent, uplink.wants?.()))
      uplink.offer({ site, kind: 'live', body })
  }

  #offerProvisional(): void {
    const { rollup, uplink, head, time } = this.#parts.pipeline
    const at = time.now()
    if (!uplink.connected || at === undefined) return
    const asked = { at: Math.round(at), wants: uplink.wants?.() }
    for (const { site, body } of this.#provisional.take(rollup.keeper, head, asked)) {
      uplink.offer({ site, kind: 'provisional', body })
    }
  }
}
