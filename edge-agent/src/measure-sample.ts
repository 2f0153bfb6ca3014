import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type MeasuredSample, telemetryTopic } from '@millrace/contracts'
import { type ManualClock, manualClock } from '@millrace/pipeline'
import { type JournalEntry, WindowKeeper } from '@millrace/windows'
import type { CheckpointRecord } from './checkpoint.ts'
import { type AgentConfig, windowSettings } from './config.ts'
import { createIntake } from './intake.ts'
import { Names } from './names.ts'
import { Reports, Rollup } from './rollup/index.ts'
import { AgentSpool, type Intake, reserveOf } from './spool/index.ts'
import { defaultStatusEveryMs } from './uplink/index.ts'

/** A device's message as the simulator prints it. */
export interface SampledMessage {
  site: string
  device: string
  ts: number
  seq?: number
  boot?: string
  readings: Readonly<Record<string, number>>
}

/** As the running agent makes checkpoints, and as it reports devices whose terms moved without a row. */
const checkpointEveryMs = 5_000
const reportEveryMs = 60_000
/** Windows whose closing is not measured: the first is cut off, and the next one still opens devices and series. */
const leadWindows = 2

type Sums = Omit<MeasuredSample, 'windowLengthMs' | 'spanMs' | 'sites' | 'devices' | 'series' | 'settings'>

const nothing = (): Sums => ({
  ...{ messages: 0, messageBytes: 0, readings: 0, setAside: 0 },
  ...{ bodies: [], summaryRows: 0, completenessRows: 0, setBytes: 0, spoolBytes: 0 },
})

/** The agent without its doors: messages come from a list, checkpoints by event time, into a spool of its own. */
class Sampler {
  readonly names: Names
  readonly #rollup: Rollup
  readonly #spool: AgentSpool
  readonly #intake: Intake
  readonly #clock: ManualClock
  readonly #startMs: number
  sums = nothing()
  #reportedMs = 0

  private constructor(parts: { names: Names; rollup: Rollup; spool: AgentSpool; intake: Intake; clock: ManualClock }) {
    this.names = parts.names
    this.#rollup = parts.rollup
    this.#spool = parts.spool
    this.#intake = parts.intake
    this.#clock = parts.clock
    this.#startMs = parts.clock.now()
  }

  static async open(config: AgentConfig, folder: string, startMs: number): Promise<Sampler> {
    const clock = manualClock(startMs)
    const spool = await AgentSpool.open({ folder, maxBytes: config.spool.maxBytes })
    const names = new Names({ site: config.site, maxSeries: config.maxSeries })
    const keeper = new WindowKeeper(names, windowSettings(config))
    const head = { agent: config.agent, spool: spool.name, epoch: spool.epoch }
    const reports = new Reports(() => clock.monotonic())
    const { loader } = spool
    const rollup = new Rollup({ keeper, names, reports, numbers: new Map(), head, loader, clock })
    const sampler = new Sampler({ names, rollup, spool, clock, intake: await createIntake({ names, config, clock }) })
    await sampler.#journal([
      { kind: 'start', epoch: spool.epoch },
      { kind: 'anchor', monotonicMs: 0, wallMs: startMs },
    ])
    return sampler
  }

  take(message: SampledMessage): void {
    const { site, device, readings, ts, seq, boot } = message
    const text = JSON.stringify({ ts, ...(seq === undefined ? {} : { seq }), ...(boot ? { boot } : {}), readings })
    const body = Buffer.from(text)
    this.sums.messages++
    this.sums.messageBytes += body.byteLength
    this.sums.readings += Object.keys(readings).length
    this.#intake.decode({ topic: telemetryTopic({ site, device }), body, qos: 1 }, ts - this.#startMs)
  }

  /** Journals what was taken and makes a checkpoint at this time. */
  async checkpoint(nowMs: number): Promise<void> {
    this.#clock.advance(nowMs - this.#clock.now())
    const { entry, setAside } = this.#intake.take()
    this.sums.setAside += setAside.reduce((sum, { count }) => sum + count, 0)
    await this.#journal(entry ? [entry] : [], setAside)
    const reports = nowMs - this.#reportedMs >= reportEveryMs
    if (reports) this.#reportedMs = nowMs
    await this.#rollup.checkpoint({
      reportAfterMs: reports ? reportEveryMs : undefined,
      write: (record) => this.#write(record, nowMs),
    })
  }

  /** Sums from now on. */
  async begin(): Promise<void> {
    const { bytes, setBytes } = await this.#spool.state()
    this.sums = { ...nothing(), setBytes: -setBytes, spoolBytes: -bytes }
  }

  async end(): Promise<Sums> {
    const { bytes, setBytes } = await this.#spool.state()
    const spoolBytes = Math.max(0, this.sums.spoolBytes + bytes)
    return { ...this.sums, spoolBytes, setBytes: Math.max(0, this.sums.setBytes + setBytes) }
  }

  close(): Promise<void> {
    return this.#spool.close()
  }

  async #journal(entries: readonly JournalEntry[], setAside: ReturnType<Intake['take']>['setAside'] = []) {
    const journaled = await this.#spool.commit({ entries, names: this.names.takeNew(), setAside }, true)
    for (const entry of journaled) this.#rollup.apply(entry)
  }

  async #write(record: CheckpointRecord, nowMs: number): Promise<void> {
    await this.#spool.checkpoint(record, nowMs)
    this.sums.setAside += record.setAside.reduce((sum, { count }) => sum + count, 0)
    for (const { kind, bytes } of record.messages) if (kind === 'summaries') this.#add(bytes)
  }

  #add(bytes: Uint8Array): void {
    const { columns, completeness } = JSON.parse(Buffer.from(bytes).toString('utf8'))
    this.sums.bodies.push(bytes.byteLength)
    this.sums.summaryRows += columns.device.length
    this.sums.completenessRows += completeness.device.length
  }
}

/**
 * Lets the agent's own code journal, close and pack the messages of a sample, in order of event time, and measures what
 * it makes in as many whole windows as the sample holds. The spool is a temporary one of the same settings.
 */
export async function measureSample(
  config: AgentConfig,
  sample: readonly SampledMessage[],
): Promise<MeasuredSample | undefined> {
  const messages = sample.toSorted((a, b) => a.ts - b.ts)
  const lengthMs = config.windows.length
  const [first, last] = [messages[0], messages.at(-1)]
  if (!first || !last) return undefined
  const startMs = Math.floor(first.ts / lengthMs) * lengthMs
  const beginMs = startMs + leadWindows * lengthMs
  // Devices send at their own moments: the last ones before the end of a window are somewhat before it.
  const windows = Math.round((last.ts - beginMs) / lengthMs)
  if (windows < 1) return undefined
  const folder = await mkdtemp(join(tmpdir(), 'millrace-plan-'))
  const sampler = await Sampler.open(config, folder, startMs)
  try {
    const spanMs = windows * lengthMs
    const sums = await run(sampler, messages, { startMs, beginMs, endMs: beginMs + spanMs })
    const devices = new Set(messages.map(({ site, device }) => `${site}/${device}`)).size
    const sites = new Set(messages.map(({ site }) => site)).size
    const { seriesCount } = sampler.names
    return {
      windowLengthMs: lengthMs,
      spanMs,
      sites,
      devices,
      series: seriesCount,
      ...sums,
      settings: settingsOf(config),
    }
  } finally {
    await sampler.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** As an uplink over an IoT Hub has it, also where the config has another. */
function statusEveryOf(uplink: { type: string; statusEvery?: unknown }): number {
  return typeof uplink.statusEvery === 'number' ? uplink.statusEvery : defaultStatusEveryMs
}

function settingsOf({ uplink, spool: { maxBytes }, windows }: AgentConfig): MeasuredSample['settings'] {
  return {
    uplink: uplink.type,
    spoolMaxBytes: maxBytes,
    spoolReserveBytes: reserveOf(maxBytes),
    amendForMs: windows.amendFor,
    amendMaxBytes: windows.amendMaxBytes,
    statusEveryMs: statusEveryOf(uplink),
  }
}

interface Moments {
  startMs: number
  beginMs: number
  endMs: number
}

async function run(sampler: Sampler, messages: readonly SampledMessage[], { startMs, beginMs, endMs }: Moments) {
  let next = 0
  for (let nowMs = startMs; nowMs < endMs; ) {
    if (nowMs === beginMs) await sampler.begin()
    const untilMs = Math.min(nowMs < beginMs ? beginMs : endMs, nowMs + checkpointEveryMs)
    while (next < messages.length && messages[next]!.ts < untilMs) sampler.take(messages[next++]!)
    nowMs = untilMs
    await sampler.checkpoint(nowMs)
  }
  return await sampler.end()
}
