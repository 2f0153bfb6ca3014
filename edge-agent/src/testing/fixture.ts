import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, checkConfig, silentLogger, systemClock } from '@millrace/pipeline'
import { type Broker, createBroker } from '@millrace/transports'
import type { Agent } from '../agent.ts'
import { agentConfigSchema } from '../config.ts'
import { startAgent } from '../lives.ts'

export { freePort } from '@millrace/pipeline/testing'

export function brokerAt(port: number): Promise<Broker> {
  return createBroker({ host: '127.0.0.1', port })
}

export interface AgentSettings {
  dataDir: string
  cloudPort: number
  mqttPort?: number
  windows?: Record<string, unknown>
  spool?: Record<string, unknown>
  /** Smaller than a config file may ask for, so that a test can fill it. */
  spoolBytes?: number
  sensors?: readonly Record<string, unknown>[]
  /** Folder of alert rules. */
  rules?: string
  notify?: Record<string, unknown>
  /** Instead of the broker on `cloudPort`. */
  uplink?: Record<string, unknown>
  /** Instead of a broker on `mqttPort`. */
  collect?: Record<string, unknown>
  decode?: readonly Record<string, unknown>[]
}

/** A config as it would stand in a file. */
export function agentConfig(settings: AgentSettings) {
  const { dataDir, cloudPort, mqttPort = 0, windows, spool, sensors = [], rules, notify, uplink } = settings
  const { collect = { type: 'broker', port: mqttPort }, decode = [] } = settings
  return {
    ...(rules === undefined ? {} : { rules }),
    ...(notify ? { notify } : {}),
    agent: 'edge-1',
    site: 'hall',
    dataDir,
    ...{ collect, decode },
    sensors,
    windows: { length: '10s', lateness: '2s', idle: '1h', ...windows },
    spool: { commit: '5ms', ...spool },
    uplink: uplink ?? { type: 'mqtt', url: `mqtt://127.0.0.1:${cloudPort}` },
    http: { port: 0 },
    log: { level: 'silent' },
  }
}

/** The same as the agent takes it. */
export function agentConfigOf(settings: AgentSettings) {
  const config = checkConfig(agentConfig(settings), agentConfigSchema, 'the test')
  return { ...config, spool: { ...config.spool, maxBytes: settings.spoolBytes ?? config.spool.maxBytes } }
}

/** Folders, brokers, agents and the like of one test, closed in reverse order. */
export class Bench {
  readonly #closers: (() => Promise<unknown>)[] = []

  onClose(close: () => Promise<unknown>): void {
    this.#closers.push(close)
  }

  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-agent-'))
    this.onClose(() => rm(folder, { recursive: true, force: true }))
    return folder
  }

  async broker(port = 0): Promise<{ port: number; broker: Broker }> {
    const broker = await brokerAt(port)
    this.onClose(() => broker.close())
    return { port: (await broker.listen()).port, broker }
  }

  async agent(settings: AgentSettings, clock: Clock = systemClock): Promise<Agent> {
    const config = agentConfigOf(settings)
    const agent = await startAgent({ config, clock, log: silentLogger })
    this.onClose(() => agent.stop())
    return agent
  }

  async add<Part extends { start(): Promise<Part>; stop(): Promise<void> }>(part: Part): Promise<Part> {
    this.onClose(() => part.stop())
    return await part.start()
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close()
  }
}
