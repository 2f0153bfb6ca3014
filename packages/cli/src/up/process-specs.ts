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

/** Where agent and ingest meet. */
function meetingPlace({ ports }: UpOptions, paths: StackPaths): ProcessSpec {
  const port = String(ports.cloudMqtt)
  if (!ports.hub) {
    return { name: 'broker', app: 'millrace', args: ['broker', '--port', port], ready: () => answers(ports.cloudMqtt) }
  }
  const { dataDir, connections } = paths.hub
  const { amqp, amqps, https } = ports.hub
  const doors = { '--mqtt-port': port, '--amqp-port': amqp, '--amqps-port': amqps, '--https-port': https }
  return {
    name: 'hub',
    app: 'millrace',
    args: [
      ...['hub', '--data-dir', dataDir, '--device', stackAgent, '--connections', connections],
      ...Object.entries(doors).flatMap(([flag, value]) => [flag, String(value)]),
    ],
    ready: async () => existsSync(eventHubConnectionFile(connections)) && (await answers(ports.cloudMqtt)),
  }
}

/** The processes of a stack in the order in which they start; the simulator comes when the others are ready. */
export function processSpecs(options: UpOptions, paths: StackPaths, clockSpeed: number | undefined): ProcessSpec[] {
  const { ports } = options
  const clockRun = clockSpeed === undefined ? [] : ['--clock-run', `speed=${clockSpeed}`]
  return [
    meetingPlace(options, paths),
    { name: 'ingest', app: 'ingest', args: ['--config', paths.ingestConfig], ready: () => isReady(ports.http) },
    { name: 'agent', app: 'agent', args: ['--config', paths.agentConfig], ready: () => isReady(ports.agent) },
    {
      name: 'simulator',
      app: 'simulator',
      args: [
        ...['--url', `mqtt://${loopback}:${ports.mqtt}`, '--clock', paths.clock, '--ledger', paths.ledger],
        ...clockRun,
        ...options.simulator,
      ],
      mayEnd: true,
    },
  ]
}
