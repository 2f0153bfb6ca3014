import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../../../packages/pipeline/testing/index.ts'
import { readPromises } from '../../oracle/ledger.ts'
import { quantile } from '../../oracle/publish.ts'
import type { Claim, ClaimOptions } from '../claim.ts'
import type { OracleProcess } from '../oracle-process.ts'
import type { FaultStack } from '../stack.ts'
import { withStack } from '../with-stack.ts'

const windowMs = 60_000
const hourMs = 3_600_000
const drainWithinMs = 300_000
/** Messages that wait in a sound agent: those of its newest checkpoints. */
const fewMessages = 3

interface Form {
  speed: number
  /** Real time that the uplink is away, and then ingest, broker and InfluxDB. */
  uplinkAwayMs: number
  cloudAwayMs: number
}

interface AgentStatus {
  spool: { outboxMessages: number }
}
interface Accounts {
  stores: { type: string; behind: number; error: string | null }[]
}

/** A drain, from the moment that everybody is back. */
interface Drain {
  fromMs: number
  toMs: number
  /** Until the newest window that was waiting stood in the store. */
  newestAfterMs: number
}

class Outage {
  readonly #stack: FaultStack
  readonly #oracle: OracleProcess
  readonly #form: Form
  readonly #beganAtMs = Date.now()
  readonly beginMs: number

  constructor(stack: FaultStack, form: Form, seed: number) {
    this.#stack = stack
    this.#form = form
    const eventMs = (form.uplinkAwayMs + form.cloudAwayMs + drainWithinMs) * form.speed
    this.beginMs = Date.now() - eventMs - hourMs
    const shares = { late: 0.005, doubled: 0.005, shuffled: 0.005 }
    this.#oracle = stack.startOracle({ speed: form.speed, rate: 120, devices: 4, begin: this.beginMs, seed, ...shares })
  }

  get oracle(): OracleProcess {
    return this.#oracle
  }

  /** Event time of the devices, at this moment. */
  eventMs(): number {
    return this.beginMs + (Date.now() - this.#beganAtMs) * this.#form.speed
  }

  async #waiting(): Promise<number> {
    return (await this.#stack.get<AgentStatus>('/api/status', 'agent')).spool.outboxMessages
  }

  /** Until what waited has been receipted, while devices go on. */
  async drain(): Promise<Drain> {
    const fromMs = Date.now()
    const wantedMs = this.eventMs() - 30 * windowMs
    const newest = async () => {
      const series = await this.#stack.get<{ lastTs: number }[]>('/api/series').catch(() => [])
      return series.some(({ lastTs }) => lastTs >= wantedMs)
    }
    await until(newest, { withinMs: drainWithinMs, everyMs: 50, label: `the newest windows\n${this.#stack.log}` })
    const newestAfterMs = Date.now() - fromMs
    const drained = async () => (await this.#waiting().catch(() => Number.POSITIVE_INFINITY)) <= fewMessages
    await until(drained, { withinMs: drainWithinMs, everyMs: 100, label: `an empty outbox\n${this.#stack.log}` })
    return { fromMs, toMs: Date.now(), newestAfterMs }
  }

  async behind(type: string): Promise<number> {
    return (await this.#stack.get<Accounts>('/api/accounts')).stores.find((store) => store.type === type)!.behind
  }

  /** When a reading was seen at the far end, and its age, as far as the oracle has noted it. */
  #seen(): [number, number][] {
    const file = join(this.#oracle.folder, 'freshness.ndjson')
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
    return lines.map((line) => JSON.parse(line) as [number, number])
  }

  /** Ages of readings that were seen at the far end meanwhile, in order. */
  async ages({ fromMs, toMs }: Drain): Promise<number[]> {
    // The oracle notes them in order, a moment later.
    const isNoted = () => this.#seen().some(([at]) => at > toMs)
    await until(isNoted, { withinMs: 60_000, everyMs: 100, label: 'a live reading after the drain' })
    return this.#seen()
      .filter(([at]) => at >= fromMs && at <= toMs)
      .map(([, age]) => age)
      .sort((a, b) => a - b)
  }

  /** Windows with event times of this span, of all series. */
  windowsBetween(fromMs: number, toMs: number): number {
    const windows = new Set<string>()
    for (const { message } of readPromises(this.#oracle.folder).messages) {
      for (const { ts, values } of message.readings) {
        if (ts < fromMs || ts >= toMs) continue
        for (const metric of Object.keys(values))
          windows.add(`${message.device}/${metric}/${Math.floor(ts / windowMs)}`)
      }
    }
    return windows.size
  }
}

/** Largest memory that a process has had so far; 0 where the system does not say. */
function peakMiB(pid: number | undefined): number {
  try {
    const found = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return Math.round(Number(found?.[1] ?? 0) / 1024)
  } catch {
    return 0
  }
}

async function withoutUplink(
  outage: Outage,
  stack: FaultStack,
  { form, say }: { form: Form; say: ClaimOptions['say'] },
) {
  const from = outage.eventMs()
  stack.proxy('uplink').mode({ kind: 'cut' })
  say(`the uplink is away for ${((form.uplinkAwayMs * form.speed) / hourMs).toFixed(1)} hours of the devices`)
  await delay(form.uplinkAwayMs)
  const to = outage.eventMs()
  stack.proxy('uplink').mode({ kind: 'pass' })
  const drain = await outage.drain()
  const windows = outage.windowsBetween(from, to)
  const perSecond = (windows * 1000) / (drain.toMs - drain.fromMs)
  const ages = await outage.ages(drain)
  say(`${windows} windows drained in ${drain.toMs - drain.fromMs} ms, the newest there after ${drain.newestAfterMs} ms`)
  return { windows, perSecond, outageMs: to - from, newestAfterMs: drain.newestAfterMs, ages }
}

/** Broker, ingest and InfluxDB go; InfluxDB comes back last, and holds nobody up. */
async function withoutCloud(
  outage: Outage,
  stack: FaultStack,
  { form, say }: { form: Form; say: ClaimOptions['say'] },
) {
  await Promise.all([stack.influxd!.down(), stack.ingest.kill(), stack.broker!.kill()])
  say(
    `broker, ingest and InfluxDB are away for ${((form.cloudAwayMs * form.speed) / hourMs).toFixed(1)} hours of the devices`,
  )
  await delay(form.cloudAwayMs)
  stack.broker!.start()
  stack.ingest.start()
  await stack.ready()
  await outage.drain()
  // A busy ingest may answer late.
  const caughtUp = async () => (await outage.behind('duckdb').catch(() => undefined)) === 0
  await until(caughtUp, { withinMs: drainWithinMs, everyMs: 50, label: 'DuckDB, while InfluxDB is away' })
  const isBehind = () => outage.behind('influxdb').catch(() => undefined)
  const behind = (await until(async () => await isBehind(), {
    withinMs: 60_000,
    label: 'changes that InfluxDB, which is away, lacks',
  }))!
  await stack.influxd!.up()
  say(`DuckDB has everything, InfluxDB lacks ${behind} windows and is back`)
  return behind
}

/** F9, F10 and the absence of a store. */
export const outage: Claim = {
  name: 'outage',
  says: 'days without uplink, broker, ingest and InfluxDB are drained newest first, while live readings stay fresh',
  needs: ['influxd'],
  async run({ long, seed, signal, say }) {
    const form: Form = long
      ? { speed: 2_400, uplinkAwayMs: 600_000, cloudAwayMs: 300_000 }
      : { speed: 7_200, uplinkAwayMs: 25_000, cloudAwayMs: 6_000 }
    const options = { windowMs, influx: true, proxies: ['uplink'], signal, say, withinMs: 1_800_000 } as const
    const card = await withStack(options, async (stack) => {
      const run = new Outage(stack, form, seed)
      await until(() => run.oracle.progress.acked > 200, { withinMs: 60_000, label: 'the first readings' })
      const drained = await withoutUplink(run, stack, { form, say })
      const behind = await withoutCloud(run, stack, { form, say })
      run.oracle.calm()
      await run.oracle.finish()
      say('everything is acknowledged; the oracle recounts')
      const others = {
        ...{ 'windows that waited': drained.windows, 'newest of them stored after, ms': drained.newestAfterMs },
        ...{ 'windows InfluxDB lacked': behind, 'agent memory at most, MiB': peakMiB(stack.agent.pid) },
        'live readings seen during the drain': drained.ages.length,
      }
      const faults = {
        ...{
          kills: [],
          recoveriesMs: {},
          others,
          drainPerSecond: drained.perSecond,
          longestOutageMs: drained.outageMs,
        },
        drainFreshnessP99Ms: quantile(drained.ages, 0.99) ?? Number.POSITIVE_INFINITY,
      }
      return await run.oracle.check({
        faults,
        demands: { acked: 5_000, late: 30, doubled: 30 },
        influx: stack.influxd!.url,
      })
    })
    return { 'own broker, DuckDB and InfluxDB': card }
  },
}
