import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { pageFolder } from '../apps.ts'
import type { UpOptions } from './options.ts'

export interface StackPaths {
  clock: string
  agentConfig: string
  ingestConfig: string
  ledger: string
}

export function stackPaths(dataDir: string): StackPaths {
  return {
    clock: join(dataDir, 'clock.json'),
    agentConfig: join(dataDir, 'config', 'agent.yaml'),
    ingestConfig: join(dataDir, 'config', 'ingest.yaml'),
    ledger: join(dataDir, 'ledger'),
  }
}

/** Data folder of a stack's ingest. */
export const ingestDataIn = (dataDir: string) => join(dataDir, 'ingest')

const loopback = '127.0.0.1'

/** Alerts go to the log of who raised them; people add channels of their own to configs of their own. */
function rulesConfig({ rules }: UpOptions) {
  return rules === undefined ? {} : { rules, notify: { channels: [{ type: 'log', name: 'log' }] } }
}

function agentConfig(options: UpOptions, relayPort: number) {
  const { dataDir, ports, window } = options
  return {
    agent: 'edge',
    site: 'local',
    dataDir: join(dataDir, 'agent'),
    clockFile: stackPaths(dataDir).clock,
    collect: { type: 'broker', host: loopback, port: ports.mqtt },
    windows: { length: window },
    uplink: { type: 'mqtt', url: `mqtt://${loopback}:${relayPort}` },
    http: { host: loopback, port: ports.agent },
    ...rulesConfig(options),
  }
}

function ingestConfig(options: UpOptions) {
  const { dataDir, ports, influx, influxAlone } = options
  const influxStores = influx === undefined ? [] : [{ type: 'influxdb', url: influx, database: 'telemetry' }]
  return {
    dataDir: ingestDataIn(dataDir),
    clockFile: stackPaths(dataDir).clock,
    collect: { type: 'mqtt', url: `mqtt://${loopback}:${ports.cloudMqtt}` },
    stores: [...(influxAlone ? [] : [{ type: 'duckdb' }]), ...influxStores],
    http: { host: loopback, port: ports.http, ...(existsSync(pageFolder) ? { page: pageFolder } : {}) },
    ...rulesConfig(options),
  }
}

/** Writes what agent and ingest read; both are made anew at each start, from the flags. */
export function writeConfigFiles(options: UpOptions, relayPort: number): StackPaths {
  const paths = stackPaths(options.dataDir)
  mkdirSync(join(options.dataDir, 'config'), { recursive: true })
  mkdirSync(paths.ledger, { recursive: true })
  const head = '# Written by `millrace up` at each start; changes here are lost.\n'
  writeFileSync(paths.agentConfig, head + stringify(agentConfig(options, relayPort)))
  writeFileSync(paths.ingestConfig, head + stringify(ingestConfig(options)))
  return paths
}
