import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { eventHubConnectionFile } from '@millrace/transports'
import { type StackPaths, stackAgent } from './config-files.ts'
import type { UpOptions } from './options.ts'
import type { ProcessSpec } from './supervised.ts'

const loopback = '127.0.0.1'
const probeTimeoutMs = 1000

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: loopback, port, timeout: probeTimeoutMs })
    const end = (answered: boolean) => {
      socket.destroy()
      resolve(answered)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
    socket.once('timeout', () => end(false))
  })
}

async function isReady(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://${loopback}:${port}/readyz`, { signal: AbortSignal.timeout(probeTimeoutMs) })
    return response.ok
  } catch {
    return false
  }
}

function hubSpec({ ports }: UpOptions, paths: StackPaths): ProcessSpec {
  const { dataDir, connections } = paths.hub
  const { mqtt = ports.cloudMqtt, amqp, amqps, https } = ports.hub!
  const doors = { '--mqtt-port': mqtt, '--amqp-port': amqp, '--amqps-port': amqps, '--https-port': https }
  return {
    name: 'hub',
    app: 'millrace',
    args: [
      ...['hub', '--data-dir', dataDir, '--device', stackAgent, '--connections', connections],
      ...Object.entries(doors).flatMap(([flag, value]) => [flag, String(value)]),
    ],
    ready: async () => existsSync(eventHubConnectionFile(connections)) && (await answers(mqtt)),
  }
}

/** Where devices, agent and ingest meet. */
function meetingPlaces(options: UpOptions, paths: StackPaths): ProcessSpec[] {
  const { cloudMqtt } = options.ports
  const args = ['broker', '--port', String(cloudMqtt)]
  const broker: ProcessSpec = { name: 'broker', app: 'millrace', args, ready: () => answers(cloudMqtt) }
  if (options.direct) return [hubSpec(options, paths), broker]
  return [options.ports.hub ? hubSpec(options, paths) : broker]
}

/** The simulator, at a hub after its devices are made there. */
function simulatorSpecs(
  { ports, direct, simulator }: UpOptions,
  paths: StackPaths,
  clockSpeed: number | undefined,
): ProcessSpec[] {
  const hub = ['--iot-hub', paths.hub.connections]
  const far = direct ? hub : ['--url', `mqtt://${loopback}:${ports.mqtt}`]
  const clockRun = clockSpeed === undefined ? [] : ['--clock-run', `speed=${clockSpeed}`]
  const given = ['--clock', paths.clock, '--ledger', paths.ledger, ...clockRun, ...simulator]
  const run: ProcessSpec = { name: 'simulator', app: 'simulator', args: [...far, ...given], mayEnd: true }
  if (!direct) return [run]
  const fleet = ['--register', ...hub, ...simulator]
  return [{ name: 'register', app: 'simulator', args: fleet, mayEnd: true, ready: async () => false }, run]
}

/** The processes of a stack in the order in which they start; the simulator comes when the others are ready. */
export function processSpecs(options: UpOptions, paths: StackPaths, clockSpeed: number | undefined): ProcessSpec[] {
  const { ports } = options
  return [
    ...meetingPlaces(options, paths),
    { name: 'ingest', app: 'ingest', args: ['--config', paths.ingestConfig], ready: () => isReady(ports.http) },
    { name: 'agent', app: 'agent', args: ['--config', paths.agentConfig], ready: () => isReady(ports.agent) },
    ...simulatorSpecs(options, paths, clockSpeed),
  ]
}
