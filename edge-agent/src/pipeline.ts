import { existsSync } from 'node:fs'
import { maxOutstandingMessages } from '@millrace/contracts'
import { type Clock, type Logger, type Source, systemClock } from '@millrace/pipeline'
import { AgentTime } from './agent-time.ts'
import { Checkpoints } from './checkpoints.ts'
import { collectors, type PolledSource, sensors, several } from './collect/index.ts'
import type { AgentConfig } from './config.ts'
import type { DecoderByTopic } from './decode/index.ts'
import { openRules } from './evaluate/index.ts'
import { createIntake } from './intake.ts'
import { openRecovered, type RecoveredState } from './recovery.ts'
import { type AgentSpool, CommitLoop, type Intake, reserveOf } from './spool/index.ts'
import { offline } from './status.ts'
import { Sender, type Uplink, type UplinkHandlers, uplinks } from './uplink/index.ts'

export interface PipelineOptions {
  config: AgentConfig
  /** The stack's clock; waiting and repeating follow real time all the same. */
  clock: Clock
  log: Logger
  /** Told where the agent listens for devices. */
  listening?: (address: { host: string; port: number }) => void
  /** Told when the pipeline can go on no longer. */
  onFailure(error: unknown): void
  onFull(): void
}

export interface Pipeline extends RecoveredState {
  spool: AgentSpool
  /** Collector and sensors as one. */
  source: Source
  sensors: readonly PolledSource[]
  decoder: DecoderByTopic
  commits: CommitLoop
  checkpoints: Checkpoints
  sender: Sender
  uplink: Uplink
  time: AgentTime
}

/**
 * The way of a reading:
 *
 *   source ── delivery ──> commit loop: decode into columns ──> journal, on disk ──> acknowledge
 *                                                                     │
 *                                                                     v
 *   uplink <── sender <── outbox, on disk <── checkpoint <── rollup: windows, one entry after the other
 *      │                     ^                    ^                     │
 *      └────── receipt ──────┘ settles            └── rules: alerts <───┘
 *                                                          └──> notices, on disk ──> channels
 *
 * Nothing is acknowledged before it is in the journal, leaves the journal before it is in a checkpoint, is sent
 * before it is in the outbox, or leaves the outbox before its receipt (over IoT Hub: its acknowledgement). Alerts, their
 * notices and the state of the rules are in the transaction of the checkpoint that they come from.
 */
export async function openPipeline(options: PipelineOptions): Promise<Pipeline> {
  const { config, clock, log } = options
  const { agent, site } = config
  // Channels may publish to the broker of the devices, whose collector needs what is recovered.
  let collector: Source | undefined
  const devices = () => collector
  const { spool, ...state } = await openRecovered({
    ...{ config, clock, log },
    openRules: (parts) => openRules({ ...parts, config, clock, log, devices }),
  })
  const about = { agent, site, log, clock, spool: spool.name, state: state.uplinkStore }
  const uplink = await uplinks.create(config.uplink, { ...about, will: offline(config) })
  const sender = createSender({ spool, uplink, log })
  const checkpoints = createCheckpoints({ spool, sender, uplink, ...state }, options)
  const intake = await createIntake({ names: state.names, config, clock })
  const { decoder } = intake
  const commits = createCommits({ spool, intake, ...state }, options)
  const own = await createSensors(options)
  collector = await createCollector(options, decoder)
  const source = several([collector, ...own])
  const time = agentTime(options)
  return { ...state, spool, uplink, sender, checkpoints, decoder, commits, source, sensors: own, time }
}

async function createCollector(options: PipelineOptions, decoder: DecoderByTopic): Promise<Source> {
  const { config, clock, log, listening } = options
  const topics = decoder.filters
  const mayPublish = (user: string, topic: string) => decoder.allows(user, topic)
  const place = { topics, mayPublish, ...(listening ? { listening } : {}) }
  return await collectors.create(config.collect, { clock, log, clientId: `millrace-${config.agent}`, ...place })
}

async function createSensors({ config, clock, log }: PipelineOptions): Promise<PolledSource[]> {
  return await Promise.all(config.sensors.map((one) => sensors.create(one, { site: config.site, clock, log })))
}

function createCommits(
  { spool, rollup, names, intake }: Pick<Pipeline, 'spool' | 'rollup' | 'names'> & { intake: Intake },
  options: PipelineOptions,
) {
  return new CommitLoop({
    commitMs: options.config.spool.commit,
    intake,
    names,
    commit: (record, reserve) => spool.commit(record, reserve),
    apply: (entry) => rollup.apply(entry),
    ready: () => rollup.waitingBytes < Math.min(maxWaitingBytes, options.config.spool.maxBytes / 8),
    onFull: options.onFull,
    onFailure: options.onFailure,
  })
}

function createCheckpoints(
  { spool, rollup, rules, sender, uplink }: Pick<Pipeline, 'spool' | 'rollup' | 'rules' | 'sender' | 'uplink'>,
  { config, clock, log, onFull, onFailure }: PipelineOptions,
) {
  return new Checkpoints({
    uncheckedBytes: () => rollup.uncheckedBytes,
    patienceMs: () => rules?.judge.patienceMs ?? Number.POSITIVE_INFINITY,
    gatherMs: () => uplink.gatherMs?.() ?? 0,
    checkpoint: (request) => rollup.checkpoint(request),
    write: (record) => spool.checkpoint(record, clock.now()),
    reserveBytes: reserveOf(config.spool.maxBytes),
    log,
    onWritten: () => sender.fill(),
    onFull,
    onFailure,
  })
}

function createSender({ spool, uplink, log }: Pick<Pipeline, 'spool' | 'uplink'> & { log: Logger }) {
  return new Sender({
    spool: spool.name,
    maxOutstanding: maxOutstandingMessages,
    custody: uplink.custody,
    newest: (limit, exclude) => spool.newest(limit, exclude),
    publish: ({ bytes, ...message }, withdrawn) => uplink.send({ ...message, body: bytes }, withdrawn),
    settle: (site, receipt) => spool.settle(site, receipt),
    clock: systemClock,
    onError: (error) => log.warn({ error }, 'a message could not be sent or settled'),
  })
}

/** Begins to send, then to listen: only when what the last run left behind is in the windows. */
export async function startPipeline(
  pipeline: Pipeline,
  handlers: Pick<UplinkHandlers, 'onConnect' | 'remote'>,
): Promise<void> {
  const { commits, checkpoints, sender, uplink, source, rules, firstEntries } = pipeline
  for (const entry of firstEntries) commits.append(entry)
  await commits.flush()
  await checkpoints.run()
  await uplink.start({ onReceipt: (site, receipt) => sender.receipt(site, receipt), ...handlers })
  sender.fill()
  await source.start((delivery) => commits.receive(delivery))
  rules?.start()
}

/** In flow order, so that nothing is acknowledged that the last checkpoint misses; open windows stay open. */
export async function stopPipeline(pipeline: Pipeline): Promise<void> {
  const { commits, checkpoints, sender, uplink, source, rules, spool } = pipeline
  await commits.close()
  await source.stop()
  await checkpoints.stop()
  await rules?.stop()
  await sender.stop()
  await uplink.stop()
  await spool.close()
}

/** Journal that may wait while a checkpoint is made, in a small spool half its reserve; above it nothing is acknowledged. */
const maxWaitingBytes = 32 * 1024 * 1024
const synchronisedFile = '/run/systemd/timesync/synchronized'

function agentTime({ config, clock }: PipelineOptions): AgentTime {
  const isSynchronised = () => existsSync(synchronisedFile)
  return new AgentTime({ clock, trust: config.clock.trust, isSynchronised, waitMs: config.clock.wait })
}
