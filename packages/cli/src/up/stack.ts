import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pause, readClockFile, writeClockFile } from '@millrace/pipeline'
import { type ClockPlan, planClock } from './clock-plan.ts'
import { stackPaths, writeConfigFiles } from './config-files.ts'
import type { UpOptions, UpPorts } from './options.ts'
import { choosePorts } from './ports.ts'
import { processSpecs } from './process-specs.ts'
import { Relay } from './relay.ts'
import { isAlive, readRunFile, writeRunFile } from './run-file.ts'
import { type ProcessEvents, Supervised } from './supervised.ts'

const orphansWithinMs = 6000
const simulatorStopMs = 1500
const servicesStopMs = 3000
const brokerStopMs = 500

/** Services of an `up` that was killed end by themselves; their spools and ports are theirs until then. */
async function untilOrphansEnded(dataDir: string): Promise<void> {
  const before = readRunFile(dataDir)
  if (!before?.pid) return
  const pids = Object.values(before.processes).flatMap(({ pid }) => pid ?? [])
  const deadline = performance.now() + orphansWithinMs
  while (pids.some(isAlive) && performance.now() < deadline) await pause(100)
}

/**
 * The hub's own doors are those of the last run: a reader knows its place in a hub by the hub's address. That run may
 * have gone another way, with a door that this one does not have.
 */
export function portsWanted({ dataDir, ports }: Pick<UpOptions, 'dataDir' | 'ports'>): UpPorts {
  const before = readRunFile(dataDir)?.ports.hub
  if (!ports.hub || !before) return ports
  const known = Object.entries(before).filter(([door]) => door in ports.hub!)
  return { ...ports, hub: { ...ports.hub, ...Object.fromEntries(known) } }
}

function planStackClock({ dataDir, speed, durationMs }: UpOptions): ClockPlan {
  const file = stackPaths(dataDir).clock
  return planClock({
    wallMs: Date.now(),
    ...(speed === undefined ? {} : { speed }),
    ...(durationMs === undefined ? {} : { durationMs }),
    ...(existsSync(file) ? { before: readClockFile(file) } : {}),
  })
}

/** Broker or hub, ingest, agent and simulator as processes, and the cable between agent and broker. */
export class Stack {
  readonly options: UpOptions
  readonly relay: Relay
  readonly #processes: Supervised[]
  readonly #relayPort: number
  readonly #startedAt = Date.now()

  private constructor(input: { options: UpOptions; relay: Relay; relayPort: number; processes: Supervised[] }) {
    this.options = input.options
    this.relay = input.relay
    this.#relayPort = input.relayPort
    this.#processes = input.processes
  }

  /** Chooses ports, writes the files; nothing runs yet. The data folder must be locked. */
  static async prepare(wanted: UpOptions, events: ProcessEvents): Promise<Stack> {
    await untilOrphansEnded(wanted.dataDir)
    const options = { ...wanted, ports: await choosePorts(portsWanted(wanted)) }
    const relay = new Relay(options.ports.cloudMqtt)
    const relayPort = await relay.listen()
    const paths = writeConfigFiles(options, relayPort)
    const clock = planStackClock(options)
    writeClockFile(paths.clock, clock.state)
    let stack: Stack | undefined
    const noted: ProcessEvents = {
      ...events,
      started(name) {
        stack?.note()
        events.started(name)
      },
    }
    const processes = processSpecs(options, paths, clock.speed).map((spec) => new Supervised(spec, noted))
    stack = new Stack({ options, relay, relayPort, processes })
    return stack
  }

  /** Starts one after the other, each when the one before is ready. */
  async start(signal: AbortSignal): Promise<void> {
    for (const process of this.#processes) await process.start(signal)
    this.note()
  }

  kill(name: string): void {
    this.#processes.find(({ spec }) => spec.name === name)?.kill()
  }

  /** Null while it is down. */
  pid(name: string): number | null {
    return this.#processes.find(({ spec }) => spec.name === name)?.pid ?? null
  }

  get clockFile(): string {
    return join(this.options.dataDir, 'clock.json')
  }

  /** Rewrites run.json. */
  note(): void {
    const states = this.#processes.map(({ spec, pid, restarts }) => [spec.name, { pid, restarts }] as const)
    writeRunFile(this.options.dataDir, {
      pid: process.pid,
      startedAt: this.#startedAt,
      ports: { ...this.options.ports, relay: this.#relayPort },
      processes: Object.fromEntries(states),
    })
  }

  /** The simulator first, so that what it still sends is acknowledged, and the broker or hub last. At most 5 s. */
  async stop(): Promise<void> {
    const [broker, ...others] = this.#processes
    await others.pop()?.stop(simulatorStopMs)
    await Promise.all(others.map((service) => service.stop(servicesStopMs)))
    await broker?.stop(brokerStopMs)
    await this.relay.close()
    const run = readRunFile(this.options.dataDir)
    if (run) writeRunFile(this.options.dataDir, { ...run, pid: null, processes: {} })
  }

  killAll(): void {
    for (const process of this.#processes) process.kill()
  }
}
