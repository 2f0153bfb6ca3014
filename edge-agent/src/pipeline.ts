import type { Clock, Logger, Source } from '@millrace/pipeline'
import { openClocks } from './agent-clocks.ts'
import type { AgentTime } from './agent-time.ts'
import { Checkpoints } from './checkpoints.ts'
import type { ClockDoctor } from './clocks/index.ts'
import { collectors, type PolledSource, sensors, several } from './collect/index.ts'
import type { AgentConfig } from './config.ts'
import type { DecoderByTopic } from './decode/index.ts'
import { openRules } from './evaluate/index.ts'
import { createIntake } from './intake.ts'
import { openRecovered, type RecoveredState } from './recovery.ts'
import { beginAnewIfForked } from './rolled-back.ts'
import { createSenders, type Senders } from './senders.ts'
import { type AgentSpool, CommitLoop, type Intake, loadMarks, MessageLedger, reserveOf } from './spool/index.ts'
import { offline } from './status.ts'
import { type Uplink, type UplinkHandlers, uplinks } from './uplink/index.ts'

export interface PipelineOptions {
  config: AgentConfig
  /** The stack's clock; waiting and repeating follow real time all the same. */
  clock: Clock
  log: Logger
  /** Told where the agent listens for devices. */
  listening?: (address: { host: string; port: number }) => void
  /** Told when the pipeline can go on no longer. */
  onFailure(error: unknown): void
  /** Told when the spool is found to be a copy: the pipeline must be stopped and opened again. */
  onForked(): void
  onFull(): void
}

export interface Pipeline extends RecoveredState, Senders {
  spool: AgentSpool
  ledger: MessageLedger
  /** Collector and sensors as one. */
  source: Source
  sensors: readonly PolledSource[]
  decoder: DecoderByTopic
  commits: CommitLoop
  checkpoints: Checkpoints
  uplink: Uplink
  time: AgentTime
  doctor: ClockDoctor
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
  const ledger = await MessageLedger.open(spool.file)
  const senders = createSenders({ ...state, spool, ledger, uplink, log, onForked: options.onForked })
  const checkpoints = createCheckpoints({ ...state, ...senders, spool, ledger, uplink }, options)
  const { time, doctor } = openClocks(options, state.names)
  const intake = await createIntake({ names: state.names, config, clock, doctor })
  const { decoder } = intake
  const commits = createCommits({ spool, intake, ...state }, options)
  const own = await createSensors(options)
  collector = await createCollector(options, { decoder, spool })
  const source = several([collector, ...own])
  const wired = { spool, ledger, uplink, checkpoints, decoder, commits, source }
  return { ...state, ...senders, ...wired, sensors: own, time, doctor }
}

async function createCollector(
  options: PipelineOptions,
  { decoder, spool }: Pick<Pipeline, 'decoder' | 'spool'>,
): Promise<Source> {
  const { config, clock, log, listening } = options
  const topics = decoder.filters
  const mayPublish = (user: string, topic: string) => decoder.allows(user, topic)
  const place = { topics, mayPublish, ...(listening ? { listening } : {}) }
  const own = { clientId: `millrace-${config.agent}`, site: config.site, dataDir: config.dataDir }
  const marks = (prefix: string) => loadMarks(spool.file, prefix)
  return await collectors.create(config.collect, { clock, log, ...own, ...place, loadMarks: marks })
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
  parts: Pick<Pipeline, 'spool' | 'ledger' | 'rollup' | 'rules' | 'sender' | 'uplink'>,
  { config, clock, log, onFull, onFailure }: PipelineOptions,
) {
  const { spool, ledger, rollup, rules, sender, uplink } = parts
  return new Checkpoints({
    uncheckedBytes: () => rollup.uncheckedBytes,
    patienceMs: () => rules?.judge.patienceMs ?? Number.POSITIVE_INFINITY,
    gatherMs: () => uplink.gatherMs?.() ?? 0,
    checkpoint: (request) => rollup.checkpoint(request),
    write: async (record) => {
      await spool.checkpoint(record, clock.now())
      ledger.made(record.messages)
    },
    reserveBytes: reserveOf(config.spool.maxBytes),
    log,
    onWritten: () => sender.fill(),
    onFull,
    onFailure,
  })
}

/** Begins to send, then to listen: only when what the last run left behind is in the windows. */
export async function startPipeline(
  pipeline: Pipeline,
  handlers: Pick<UplinkHandlers, 'onConnect' | 'remote'>,
): Promise<void> {
  const { commits, checkpoints, receipts, uplink, source, rules, firstEntries } = pipeline
  for (const entry of firstEntries) commits.append(entry)
  await commits.flush()
  // Sending is what makes room for a checkpoint that finds none.
  await checkpoints.runOrWait()
  if (uplink.custody === 'acknowledged') receipts.confirm()
  await uplink.start({ onReceipt: (site, receipt) => receipts.take(site, receipt), ...handlers })
  for (const sender of [pipeline.sender, ...pipeline.inherited]) sender.fill()
  await source.start((delivery) => commits.receive(delivery))
  rules?.start()
}

/** In flow order, so that nothing is acknowledged that the last checkpoint misses; open windows stay open. */
export async function stopPipeline(pipeline: Pipeline, clock: Clock): Promise<void> {
  const { commits, checkpoints, uplink, source, rules, spool } = pipeline
  await commits.close()
  await source.stop()
  await checkpoints.stop()
  await rules?.stop()
  for (const sender of [pipeline.sender, ...pipeline.inherited]) await sender.stop()
  await uplink.stop()
  try {
    await beginAnewIfForked(pipeline, clock)
  } finally {
    await spool.close()
  }
}

/** Journal that may wait while a checkpoint is made, in a small spool half its reserve; above it nothing is acknowledged. */
const maxWaitingBytes = 32 * 1024 * 1024
