import { setTimeout as delay } from 'node:timers/promises'
import { Mosquitto } from '../cloud-ingest/src/testing/mosquitto.ts'
import { Influxd } from './influxd.ts'
import { Parts } from './parts.ts'
import { temporaryFolder, type Verdict } from './stack.ts'

const dayMs = 86_400_000

export const clouds = ['mosquitto', 'millrace', 'iot-hub'] as const
export type Cloud = (typeof clouds)[number]

export interface KillRunOptions {
  /**
   * Between agent and ingest: Mosquitto, which keeps nothing on disk, the product's own broker, or the local IoT Hub,
   * where the agent's tokens live for half a minute.
   */
  cloud: Cloud
  /** Event time under kills, ms. */
  eventMs: number
  speed: number
  devices: number
  rateHz: number
  /** Share of messages that each perturbation meets. */
  share: number
  /** Kills of each of agent, ingest and what is between them, on average. */
  killsOfEach: number
  /** Of the devices and of who is killed when. */
  seed: number
  say(line: string): void
}

export const victims = ['agent', 'ingest', 'cloud'] as const
export type Victim = (typeof victims)[number]

export interface KillRun {
  kills: Record<Victim, number>
  verdicts: Record<'duckdb' | 'influxdb', Verdict>
  /** What the processes said. */
  log: string
  /** Connections that the agent made to the hub, new tokens included. */
  hubConnections: number
}

/** mulberry32: the same moments for the same seed. */
function chances(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A whole stack with InfluxDB beside DuckDB, of which anything but the devices may die at any time. */
class KillRunStack {
  readonly parts: Parts
  readonly influxd: Influxd
  readonly #mosquitto: Mosquitto | undefined
  /** What is between agent and ingest, where it is a process of the stack. */
  readonly #cloud: 'broker' | 'hub'
  /** Until Mosquitto is there again. */
  #away: { over: Promise<unknown> } | undefined

  private constructor(made: { parts: Parts; influxd: Influxd; mosquitto: Mosquitto | undefined; cloud: Cloud }) {
    this.parts = made.parts
    this.influxd = made.influxd
    this.#mosquitto = made.mosquitto
    this.#cloud = made.cloud === 'iot-hub' ? 'hub' : 'broker'
  }

  static async start({ cloud, speed, devices, rateHz, share, seed }: KillRunOptions): Promise<KillRunStack> {
    const influxd = await Influxd.start()
    const mosquitto = cloud === 'mosquitto' ? await new Mosquitto().start() : undefined
    const flags = { devices, rate: rateHz, seed, perturb: `all=${share}` }
    const parts = await Parts.prepare({
      ...{ dataDir: temporaryFolder(), speed, beginMs: dayMs, influx: influxd.url },
      ...(mosquitto ? { cloudMqttPort: mosquitto.port } : {}),
      ...(cloud === 'iot-hub' ? { hub: { tokenLife: '30s' } } : {}),
      simulator: Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)]),
    })
    const stack = new KillRunStack({ parts, influxd, mosquitto, cloud })
    if (!mosquitto) await parts.start(stack.#cloud)
    for (const part of ['ingest', 'agent', 'simulator'] as const) await parts.start(part)
    return stack
  }

  /** False where it is down just now. Mosquitto comes back after `awayMs`, the others by themselves. */
  async kill(victim: Victim, awayMs: number): Promise<boolean> {
    if (victim !== 'cloud') return this.parts.kill(victim)
    if (!this.#mosquitto) return this.parts.kill(this.#cloud)
    if (this.#away) return false
    await this.#mosquitto.kill()
    const over = delay(awayMs).then(async () => {
      await this.#mosquitto!.start()
      this.#away = undefined
    })
    this.#away = { over }
    return true
  }

  /** Everything is there again. */
  async settle(): Promise<void> {
    await this.#away?.over
    await this.influxd.up()
  }

  async remove(): Promise<void> {
    await this.#away?.over
    await this.parts.remove()
    await this.#mosquitto?.close()
    await this.influxd.stop()
  }
}

/** InfluxDB is away in the middle third. */
async function killAtRandom(stack: KillRunStack, options: KillRunOptions): Promise<Record<Victim, number>> {
  const { eventMs, speed, killsOfEach, seed, say } = options
  const chance = chances(seed)
  const wallMs = eventMs / speed
  const meanPauseMs = wallMs / (killsOfEach * victims.length)
  const kills: Record<Victim, number> = { agent: 0, ingest: 0, cloud: 0 }
  const beganAt = performance.now()
  const share = () => (performance.now() - beganAt) / wallMs
  for (let thirds = 0; share() < 1; ) {
    await delay(-Math.log(1 - chance()) * meanPauseMs)
    if (thirds === 0 && share() > 1 / 3) {
      await stack.influxd.down()
      say('InfluxDB is killed')
      thirds = 1
    }
    if (thirds === 1 && share() > 2 / 3) {
      await stack.influxd.up()
      say('InfluxDB is started')
      thirds = 2
    }
    const victim = victims[Math.floor(chance() * victims.length)]!
    if (await stack.kill(victim, chance() * 3000)) {
      kills[victim]++
      say(`${victim} is killed`)
    }
  }
  return kills
}

/** Runs it and recounts both stores; what the verdicts say is for the caller to judge. */
export async function killRun(options: KillRunOptions): Promise<KillRun> {
  const stack = await KillRunStack.start(options)
  try {
    const kills = await killAtRandom(stack, options)
    await stack.settle()
    await stack.parts.endSimulator()
    options.say('the simulator has sent everything')
    const duckdb = await stack.parts.verify('--wait', '--store', 'duckdb')
    const influxdb = await stack.parts.verify('--wait', '--store', 'influxdb')
    const { log } = stack.parts
    const hubConnections = log.split('connected to the IoT Hub').length - 1
    return { kills, verdicts: { duckdb, influxdb }, log, hubConnections }
  } finally {
    await stack.remove()
  }
}
