import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { listenError } from '@millrace/pipeline'
import type { IConnectPacket } from 'mqtt-packet'
import { createWebSocketStream, WebSocketServer } from 'ws'
import type { Core } from '../core/open-core.ts'
import { authenticate, type Peer } from './authenticate.ts'
import { type Admission, Connection } from './connection.ts'
import { DeviceClient, type Gates, willOf } from './device-client.ts'
import { type HubLimits, Quota, Throttle } from './limits.ts'
import { admitRegistration, isProvisioning, type ProvisioningOptions } from './provisioning.ts'

const checkEveryMs = 250
const webSocketPath = '/$iothub/websocket'
const unacceptableProtocol = 1
const notAuthorized = 5

export interface DeviceSideOptions {
  host: string
  /** 8883 at the real hub; 0 for any free one. */
  mqttPort: number
  /** MQTT over WebSocket, 443 at the real hub. */
  webSocketPort: number
  limits?: HubLimits
  /** Told the port, for it is where devices are sent to. */
  provisioning(mqttPort: number): Promise<ProvisioningOptions>
}

export interface DeviceSide {
  mqttPort: number
  webSocketPort: number
  stop(): Promise<void>
}

function peerOf(socket: TLSSocket): Peer {
  const { fingerprint, fingerprint256 } = socket.getPeerCertificate()
  const thumbprints = [fingerprint, fingerprint256].filter((text) => text !== undefined)
  return {
    address: `${socket.remoteAddress}:${socket.remotePort}`,
    thumbprints: thumbprints.map((text) => text.replaceAll(':', '')),
  }
}

/** Blocks of today, counted from the log, so that a restart gives no new quota. */
async function quotaOf(core: Core, limit: number | undefined): Promise<Quota | undefined> {
  if (limit === undefined) return undefined
  const dayStartMs = Math.floor(core.clock.now() / 86_400_000) * 86_400_000
  const [row] = await core.spool.read(
    'SELECT sum(max(1, (length(body) + 4095) / 4096)) FROM hub_events WHERE log = 1 AND enqueued_ms >= ?',
    [dayStartMs],
  )
  return new Quota(limit, { clock: core.clock, used: Number(row?.[0] ?? 0) })
}

async function gatesOf(core: Core, limits: HubLimits): Promise<Gates> {
  const throttle = (perSecond: number | undefined) => perSecond && new Throttle(perSecond, core.clock)
  return {
    telemetry: throttle(limits.telemetryPerSecond) || undefined,
    twins: throttle(limits.twinPerSecond) || undefined,
    quota: await quotaOf(core, limits.dailyBlocks),
  }
}

function admitDevice(
  core: Core,
  gates: Gates,
  { packet, connection }: { packet: IConnectPacket; connection: Connection },
): Admission {
  const refuse = (returnCode: number, reason: string): Admission => ({ accepted: false, returnCode, reason })
  if (packet.protocolVersion !== 4) return refuse(unacceptableProtocol, 'the hub speaks MQTT 3.1.1 only')
  const verdict = authenticate(core, { ...packet, peer: connection.peer })
  if (!verdict.ok) return refuse(notAuthorized, `${verdict.deviceId}: ${verdict.reason}`)
  const { device, expiresMs } = verdict
  const will = willOf(packet.will, device.deviceId)
  if (will === 'refused') return refuse(notAuthorized, `${device.deviceId}: a will is for the device's own events`)
  const client = new DeviceClient(connection, { core, gates, device, expiresMs, clean: packet.clean === true, will })
  const { sessionPresent } = client
  const ready = () => {
    client.ready().catch((error: unknown) => connection.end(String(error)))
  }
  return { accepted: true, client, sessionPresent, ready }
}

function listen(server: Server, place: { setting: string; host: string; port: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, place)))
    server.listen(place.port, place.host, () => resolve((server.address() as AddressInfo).port))
  })
}

/** Opens the hub's doors for devices. */
export async function startDeviceSide(core: Core, options: DeviceSideOptions): Promise<DeviceSide> {
  const { host, limits = {} } = options
  const gates = await gatesOf(core, limits)
  const connections = new Set<Connection>()
  let provisioning: ProvisioningOptions | undefined
  const admit = (packet: IConnectPacket, connection: Connection) => {
    if (provisioning && isProvisioning(packet.username)) return admitRegistration(packet, connection, provisioning)
    return admitDevice(core, gates, { packet, connection })
  }
  const onEnd = (connection: Connection, reason: string) => {
    connections.delete(connection)
    core.log.info({ address: connection.peer.address }, `connection ended: ${reason}`)
  }
  const open = (stream: Duplex, peer: Peer) => {
    connections.add(new Connection(stream, { peer, clock: core.clock, admit, onEnd }))
  }
  const { cert, key } = core.certificate
  // Devices with certificates of their own sign them themselves: the thumbprint says who they are.
  const tls = { cert, key, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' } as const
  const mqtt = createTlsServer(tls, (socket) => open(socket, peerOf(socket)))
  const https = createHttpsServer(tls, (_request, response) => response.writeHead(404).end())
  const webSockets = new WebSocketServer({
    server: https,
    path: webSocketPath,
    handleProtocols: (offered) => offered.has('mqtt') && 'mqtt',
  })
  webSockets.on('connection', (socket, request) =>
    open(createWebSocketStream(socket), peerOf(request.socket as TLSSocket)),
  )
  const timer = setInterval(() => {
    for (const connection of connections) connection.check()
  }, checkEveryMs)
  const stop = async () => {
    clearInterval(timer)
    for (const connection of connections) connection.end('the hub stops')
    webSockets.close()
    https.closeAllConnections()
    await Promise.all([mqtt, https].map((server) => new Promise<void>((resolve) => server.close(() => resolve()))))
  }
  try {
    const mqttPort = await listen(mqtt, { setting: 'mqttPort', host, port: options.mqttPort })
    provisioning = await options.provisioning(mqttPort)
    const webSocketPort = await listen(https, { setting: 'webSocketPort', host, port: options.webSocketPort })
    return { mqttPort, webSocketPort, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
