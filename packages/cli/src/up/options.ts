import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Problem, parseDuration, UsageError } from '@millrace/pipeline'
import { rulesFolder } from '../apps.ts'

/** Flags of `millrace up` as they are typed. */
export interface UpFlags {
  devices?: string
  rate?: string
  window: string
  seed?: string
  speed?: string
  history?: string
  httpPort: string
  mqttPort: string
  agentPort: string
  /** 1884 unless typed; 8883 over an IoT Hub. */
  cloudMqttPort?: string
  dataDir: string
  /** Between agent and ingest: `mqtt`, or `iot-hub` for the local one; `iot-hub-direct`: that is between devices and agent. */
  via?: string
  tokenLife?: string
  replay?: string
  map?: string
  at?: string
  duration?: string
  perturb?: string
  influx?: string
  store?: string
  /** Folder of alert rules; false with --no-rules. */
  rules?: string | false
  /** False with --no-keys. */
  keys: boolean
}

export interface UpPorts {
  http: number
  mqtt: number
  agent: number
  /** The cloud broker; over an IoT Hub, the hub's door for devices. */
  cloudMqtt: number
  /** The other doors of the local IoT Hub, where there is one; any free ones, the same again if they can be had. */
  hub?: HubDoors
}

export interface HubDoors {
  /** Where it is not the cloud's: devices send to it themselves. */
  mqtt?: number
  amqp: number
  amqps: number
  https: number
}

/** Ports that people name. */
export type NamedPort = Exclude<keyof UpPorts, 'hub'>

/** The local IoT Hub in place of the cloud broker. */
export interface HubWish {
  /** How long the agent's tokens are valid; as long as the agent likes unless said. */
  tokenLife?: string
}

export interface UpOptions {
  dataDir: string
  ports: UpPorts
  window: string
  /** Absent: agent and ingest meet at a plain MQTT broker. */
  hub?: HubWish
  /** The local IoT Hub stands between devices and agent. */
  direct?: boolean
  speed?: number
  durationMs?: number
  /** Passed on to the simulator, which knows what they may be. */
  simulator: string[]
  influx?: string
  /** Without the embedded store. */
  influxAlone?: boolean
  /** Folder of alert rules; nothing is watched without one. */
  rules?: string
  keys: boolean
}

/** Flag of each port, for messages. */
export const portFlags: Record<NamedPort, string> = {
  http: '--http-port',
  mqtt: '--mqtt-port',
  agent: '--agent-port',
  cloudMqtt: '--cloud-mqtt-port',
}

const defaultHistory = '6h'
const longestWindowMs = 30 * 60_000
const defaultCloudPort = { mqtt: '1884', hub: '8883' } as const
const shortestTokenLifeMs = 30_000
const longestTokenLifeMs = 24 * 3_600_000
const hourMs = 3_600_000
const ways: readonly string[] = ['mqtt', 'iot-hub', 'iot-hub-direct']

class FlagReader {
  readonly problems: Problem[] = []
  readonly #flags: UpFlags

  constructor(flags: UpFlags) {
    this.#flags = flags
  }

  problem(path: string, found: string, expected: string): undefined {
    this.problems.push({ path, found, expected })
    return undefined
  }

  port(name: NamedPort): number {
    const text = this.#flags[`${name}Port`] ?? defaultCloudPort[this.#flags.via === 'iot-hub' ? 'hub' : 'mqtt']
    const port = Number(text)
    if (!/^\d+$/.test(text) || port > 65_535)
      this.problem(portFlags[name], text, 'a port from 1 to 65535, or 0 for any')
    return port
  }

  duration(flag: string, text: string | undefined): number | undefined {
    if (text === undefined) return undefined
    const ms = parseDuration(text)
    return ms && ms > 0 ? ms : this.problem(flag, text, 'a duration such as 90s, 10m or 6h')
  }

  window(): string {
    const ms = this.duration('--window', this.#flags.window)
    const fits = ms === undefined || (ms <= longestWindowMs && hourMs % ms === 0)
    if (!fits) this.problem('--window', this.#flags.window, 'at most 30m, and it divides one hour')
    return this.#flags.window
  }

  speed(): number | undefined {
    const { speed } = this.#flags
    if (speed === undefined) return undefined
    const value = Number(speed)
    return value > 0 && Number.isFinite(value) ? value : this.problem('--speed', speed, 'a number above 0')
  }

  /** Undefined over plain MQTT. */
  hub(): HubWish | undefined {
    const { via = 'mqtt', tokenLife } = this.#flags
    if (!ways.includes(via)) this.problem('--via', via, 'mqtt, iot-hub or iot-hub-direct')
    if (via !== 'iot-hub') {
      if (tokenLife !== undefined) this.problem('--via', via, 'iot-hub, which --token-life is for')
      return undefined
    }
    const ms = this.duration('--token-life', tokenLife)
    const fits = ms === undefined || (ms >= shortestTokenLifeMs && ms <= longestTokenLifeMs)
    if (!fits) this.problem('--token-life', tokenLife!, 'a duration from 30s to 24h')
    return tokenLife === undefined ? {} : { tokenLife }
  }

  influx(): string | undefined {
    const { influx } = this.#flags
    if (influx === undefined || /^https?:$/.test(URL.parse(influx)?.protocol ?? '')) return influx
    return this.problem('--influx', influx, 'a URL such as http://127.0.0.1:8086')
  }

  /** True where InfluxDB is the only store. */
  influxAlone(): boolean {
    const { store, influx } = this.#flags
    if (store !== undefined && store !== 'duckdb' && store !== 'influxdb')
      this.problem('--store', store, 'duckdb or influxdb')
    if (store === 'influxdb' && influx === undefined) this.problem('--influx', 'nothing', 'the URL of the InfluxDB')
    return store === 'influxdb'
  }

  /** Undefined where no rules are wanted. */
  rules(): string | undefined {
    const { rules = rulesFolder } = this.#flags
    if (rules === false) return undefined
    if (!statSync(rules, { throwIfNoEntry: false })?.isDirectory())
      this.problem('--rules', rules, 'a folder of alert rules, or --no-rules')
    return resolve(rules)
  }

  replayFlags(): void {
    const { replay, map, at, via } = this.#flags
    if (replay !== undefined && via === 'iot-hub-direct')
      this.problem('--replay', replay, 'none, for a recording has no devices at a hub')
    if (replay !== undefined && map === undefined) this.problem('--map', 'nothing', 'the map of the recording')
    if (replay === undefined && map !== undefined)
      this.problem('--replay', 'nothing', 'the recording that --map is for')
    if (at !== undefined && at !== 'now' && at !== 'original') this.problem('--at', at, 'now or original')
  }
}

/** History comes with the live fleet alone: a recording has its own past, and a fast run would drown in it. */
function historyOf({ history, replay, speed, duration }: UpFlags): string | undefined {
  const live = replay === undefined && speed === undefined && duration === undefined
  return history ?? (live ? defaultHistory : undefined)
}

/** Of the local IoT Hub, where there is one: any free ones. */
function doorsOf({ via }: UpFlags): HubDoors | undefined {
  const doors = { amqp: 0, amqps: 0, https: 0 }
  if (via === 'iot-hub') return doors
  return via === 'iot-hub-direct' ? { ...doors, mqtt: 0 } : undefined
}

/** What the simulator is started with. */
export function simulatorFlags(flags: UpFlags): string[] {
  const passed: Record<string, string | undefined> = {
    '--seed': flags.seed,
    '--devices': flags.devices,
    '--rate': flags.rate,
    '--history': historyOf(flags),
    '--replay': flags.replay && resolve(flags.replay),
    '--map': flags.map && resolve(flags.map),
    '--at': flags.at,
    '--duration': flags.duration,
    '--perturb': flags.perturb,
  }
  return Object.entries(passed).flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]))
}

/** Checks the flags; throws a UsageError with every problem in it, those included that the simulator found in its own. */
export function readUpOptions(flags: UpFlags, simulatorProblems: readonly Problem[] = []): UpOptions {
  const reader = new FlagReader(flags)
  const ports: UpPorts = {
    http: reader.port('http'),
    mqtt: reader.port('mqtt'),
    agent: reader.port('agent'),
    cloudMqtt: reader.port('cloudMqtt'),
  }
  const window = reader.window()
  const [speed, influx, influxAlone] = [reader.speed(), reader.influx(), reader.influxAlone()]
  const [rules, hub, direct] = [reader.rules(), reader.hub(), flags.via === 'iot-hub-direct']
  const doors = doorsOf(flags)
  const durationMs = reader.duration('--duration', flags.duration)
  reader.replayFlags()
  const named = new Set(reader.problems.map(({ path }) => path))
  reader.problems.push(...simulatorProblems.filter(({ path }) => !named.has(path)))
  if (reader.problems.length > 0) throw new UsageError('millrace up cannot start like this', reader.problems)
  return {
    dataDir: resolve(flags.dataDir),
    ports: { ...ports, ...(doors && { hub: doors }) },
    window,
    simulator: simulatorFlags(flags),
    keys: flags.keys,
    ...(speed === undefined ? {} : { speed }),
    ...(rules === undefined ? {} : { rules }),
    ...(hub === undefined ? {} : { hub }),
    ...(direct && { direct }),
    ...(influx === undefined ? {} : { influx, influxAlone }),
    ...(durationMs === undefined ? {} : { durationMs }),
  }
}
