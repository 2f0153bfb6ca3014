import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { authorityFile, deviceConnectionFile, eventHubConnectionFile } from '@millrace/transports'
import { stringify } from 'yaml'
import { pageFolder } from '../apps.ts'
import type { UpOptions } from './options.ts'

export interface StackPaths {
  clock: string
  agentConfig: string
  ingestConfig: string
  ledger: string
  /** Of the local IoT Hub: its state, and what it writes for those who connect. */
  hub: { dataDir: string; connections: string }
}

export function stackPaths(dataDir: string): StackPaths {
  return {
    clock: join(dataDir, 'clock.json'),
    agentConfig: join(dataDir, 'config', 'agent.yaml'),
    ingestConfig: join(dataDir, 'config', 'ingest.yaml'),
    ledger: join(dataDir, 'ledger'),
    hub: { dataDir: join(dataDir, 'hub'), connections: join(dataDir, 'config', 'hub') },
  }
}

/** Data folders of a stack's ingest and agent. */
export const ingestDataIn = (dataDir: string) => join(dataDir, 'ingest')
export const agentDataIn = (dataDir: string) => join(dataDir, 'agent')

const loopback = '127.0.0.1'
/** The agent's name, and over an IoT Hub its device id. */
export const stackAgent = 'edge'

/** Alerts go to the log of who raised them; people add channels of their own to configs of their own. */
function rulesConfig({ rules }: UpOptions) {
  return rules === undefined ? {} : { rules, notify: { channels: [{ type: 'log', name: 'log' }] } }
}

/** Nobody counts the messages of a hub at home, so live values go over it too. */
function hubUplink({ dataDir, hub }: UpOptions, relayPort: number) {
  const { connections } = stackPaths(dataDir).hub
  return {
    type: 'iot-hub',
    connectionStringFile: deviceConnectionFile(connections, stackAgent),
    ca: authorityFile(connections),
    gateway: `localhost:${relayPort}`,
    ...{ tier: 'S3', live: ['*/*/*'], statusEvery: '10s' },
    ...(hub?.tokenLife === undefined ? {} : { tokenLife: hub.tokenLife }),
  }
}

function hubCollector({ dataDir }: UpOptions) {
  const checkpoints = { type: 'file', dir: join(ingestDataIn(dataDir), 'checkpoints') }
  return {
    type: 'iot-hub',
    connectionStringFile: eventHubConnectionFile(stackPaths(dataDir).hub.connections),
    checkpoints,
  }
}

/** Simulated devices are `site:device` at the hub. */
function deviceCollector({ dataDir, ports, direct }: UpOptions) {
  if (!direct) return { type: 'broker', host: loopback, port: ports.mqtt }
  const connectionStringFile = eventHubConnectionFile(stackPaths(dataDir).hub.connections)
  return { type: 'iot-hub', connectionStringFile, deviceIds: '{site}:{device}' }
}

function agentConfig(options: UpOptions, relayPort: number) {
  const { dataDir, ports, window, hub } = options
  return {
    agent: stackAgent,
    site: 'local',
    dataDir: agentDataIn(dataDir),
    clockFile: stackPaths(dataDir).clock,
    collect: deviceCollector(options),
    windows: { length: window },
    uplink: hub ? hubUplink(options, relayPort) : { type: 'mqtt', url: `mqtt://${loopback}:${relayPort}` },
    http: { host: loopback, port: ports.agent },
    ...rulesConfig(options),
  }
}

function ingestConfig(options: UpOptions) {
  const { dataDir, ports, influx, influxAlone, hub } = options
  const influxStores = influx === undefined ? [] : [{ type: 'influxdb', url: influx, database: 'telemetry' }]
  return {
    dataDir: ingestDataIn(dataDir),
    clockFile: stackPaths(dataDir).clock,
    collect: hub ? hubCollector(options) : { type: 'mqtt', url: `mqtt://${loopback}:${ports.cloudMqtt}` },
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
  // The hub writes them anew when its doors are open.
  rmSync(paths.hub.connections, { recursive: true, force: true })
  const head = '# Written by `millrace up` at each start; changes here are lost.\n'
  writeFileSync(paths.agentConfig, head + stringify(agentConfig(options, relayPort)))
  writeFileSync(paths.ingestConfig, head + stringify(ingestConfig(options)))
  return paths
}
