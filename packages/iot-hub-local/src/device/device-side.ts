import type { IncomingMessage } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { listenError } from '@millrace/pipeline'
import type { IConnectPacket } from 'mqtt-packet'
import { createWebSocketStream, WebSocketServer } from 'ws'
import type { Core } from '../core/open-core.ts'
import { tlsOptions } from '../tls-options.ts'
import { authenticate, type Peer } from './authenticate.ts'
import { type Admission, Connection, type ConnectionOptions, type End } from './connection.ts'
import { DeviceClient, type Gates, willOf } from './device-client.ts'
import { type HubLimits, Quota, Throttle } from './limits.ts'
import { admitRegistration, isProvisioning, type ProvisioningOptions } from './provisioning.ts'
import { sparingWarnings } from './sparing-log.ts'

const checkEveryMs = 250
const webSocketPath = '/$iothub/websocket'
const unacceptableProtocol = 1
const notAuthorized = 5

export interface DeviceSideOptions {
  host: string
  /** 8883 at the real hub; 0 for any free one. */
  mqttPort: number
  limits?: HubLimits
  /** Told the port, for it is where devices are sent to. */
  provisioning(mqttPort: number): Promise<ProvisioningOptions>
}

export interface DeviceSide {
  mqttPort: number
  /** MQTT over WebSocket, for the `upgrade` event of an HTTPS server; any other path is turned away. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
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

/** Blocks of today, counted from the bodies in the log, so that a restart gives no new quota. */
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

export function admitDevice(
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

type Open = (stream: Duplex, peer: Peer) => void

function upgrades(open: Open): Pick<DeviceSide, 'upgrade'> & { close(): void } {
  const webSockets = new WebSocketServer({
    noServer: true,
    path: webSocketPath,
    handleProtocols: (offered) => offered.has('mqtt') && 'mqtt',
  })
  return {
    upgrade(request, socket, head) {
      if (!webSockets.shouldHandle(request)) socket.end('HTTP/1.1 404 Not Found\r\n\r\n')
      else {
        webSockets.handleUpgrade(request, socket, head, (webSocket) => {
          open(createWebSocketStream(webSocket), peerOf(request.socket as TLSSocket))
        })
      }
    },
    close: () => webSockets.close(),
  }
}

/** Every connection of devices, whatever it came through. */
function deviceConnections(core: Core, admit: ConnectionOptions['admit']) {
  const connections = new Set<Connection>()
  const warn = sparingWarnings(core.log, core.clock)
  const onEnd = (connection: Connection, { kind, reason }: End) => {
    connections.delete(connection)
    const { address } = connection.peer
    if (kind === 'refused') warn({ address }, `refused: ${reason}`)
    else core.log[kind === 'left' ? 'debug' : 'info']({ address }, `connection ended: ${reason}`)
  }
  const open: Open = (stream, peer) => {
    connections.add(new Connection(stream, { peer, clock: core.clock, admit, onEnd }))
  }
  const timer = setInterval(() => {
    for (const connection of connections) connection.check()
  }, checkEveryMs)
  const close = () => {
    clearInterval(timer)
    for (const connection of connections) connection.end('the hub stops', 'lost')
  }
  return { open, close }
}

/** Opens the hub's door for devices. */
export async function startDeviceSide(core: Core, options: DeviceSideOptions): Promise<DeviceSide> {
  const { host, limits = {} } = options
  const gates = await gatesOf(core, limits)
  let provisioning: ProvisioningOptions | undefined
  const connections = deviceConnections(core, (packet, connection) => {
    if (provisioning && isProvisioning(packet.username)) return admitRegistration(packet, connection, provisioning)
    return admitDevice(core, gates, { packet, connection })
  })
  const mqtt = createTlsServer(tlsOptions(core.certificate), (socket) => connections.open(socket, peerOf(socket)))
  const webSockets = upgrades(connections.open)
  const stop = async () => {
    connections.close()
    webSockets.close()
    await new Promise<void>((resolve) => mqtt.close(() => resolve()))
  }
  try {
    const mqttPort = await listen(mqtt, { setting: '--mqtt-port', host, port: options.mqttPort })
    provisioning = await options.provisioning(mqttPort)
    return { mqttPort, upgrade: webSockets.upgrade, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
