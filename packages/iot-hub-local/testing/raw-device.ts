import { readFileSync } from 'node:fs'
import { connect, type TLSSocket } from 'node:tls'
import mqttPacket, { type IConnackPacket, type IPublishPacket, type Packet } from 'mqtt-packet'
import { until } from '../../pipeline/testing/index.ts'
import type { LocalHub } from '../src/index.ts'
import { makeToken } from '../src/sas.ts'
import { atEnd } from './index.ts'

export interface RawOptions {
  deviceId?: string
  /** Changes of the CONNECT. */
  connect?: object
  /** Of the token, in s since the epoch. */
  expiresS?: number
}

/** A device that speaks MQTT by the byte, to say what Microsoft's client never would. */
export class RawDevice {
  readonly packets: Packet[] = []
  readonly socket: TLSSocket
  closed = false

  private constructor(port: number, caFile: string) {
    const parser = mqttPacket.parser({ protocolVersion: 4 })
    parser.on('packet', (packet) => this.packets.push(packet))
    this.socket = connect({ port, host: 'localhost', ca: readFileSync(caFile) })
    this.socket.on('data', (bytes) => parser.parse(bytes))
    this.socket.on('error', () => undefined)
    this.socket.on('close', () => {
      this.closed = true
    })
    atEnd(() => this.socket.destroy())
  }

  /** Connected on the wire; nothing was said yet. */
  static dial(hub: LocalHub): RawDevice {
    return new RawDevice(hub.ports.mqtt, hub.caFile)
  }

  /** With its CONNECT sent, and answered. */
  static async login(hub: LocalHub, options: RawOptions = {}): Promise<RawDevice> {
    const { deviceId = 'pi-01', expiresS = Math.floor(hub.core.clock.now() / 1000) + 3600 } = options
    const device = hub.core.registry.get(deviceId) ?? (await hub.core.registry.create({ deviceId }))
    const { authentication } = device
    const key = authentication.type === 'sas' ? authentication.symmetricKey.primaryKey : ''
    const raw = RawDevice.dial(hub)
    raw.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clientId: deviceId,
      clean: false,
      keepalive: 60,
      username: `localhost/${deviceId}/?api-version=2021-04-12`,
      password: Buffer.from(makeToken({ resource: `localhost/devices/${deviceId}`, key, expiresS })),
      ...options.connect,
    } as Packet)
    await until(() => raw.packets.length > 0 || raw.closed, { label: 'CONNACK' })
    return raw
  }

  get returnCode(): number | undefined {
    const packet = this.packets.find(({ cmd }) => cmd === 'connack') as IConnackPacket | undefined
    return packet?.returnCode
  }

  send(...packets: Packet[]): this {
    for (const packet of packets) this.socket.write(mqttPacket.generate(packet))
    return this
  }

  publish(topic: string, payload: string | Buffer = 'x', rest: object = {}): this {
    const packet = { cmd: 'publish', topic, payload, qos: 1, retain: false, dup: false, messageId: 1, ...rest }
    return this.send(packet as Packet)
  }

  subscribe(...filters: [string, 0 | 1 | 2][]): this {
    return this.send({ cmd: 'subscribe', messageId: 9, subscriptions: filters.map(([topic, qos]) => ({ topic, qos })) })
  }

  /** The first packet of a kind, when it has come. */
  async received<Kind extends Packet['cmd']>(cmd: Kind): Promise<Packet & { cmd: Kind }> {
    const found = () => this.packets.find((packet) => packet.cmd === cmd)
    return (await until(found, { label: `a ${cmd}` })) as Packet & { cmd: Kind }
  }

  published(): IPublishPacket[] {
    return this.packets.filter((packet) => packet.cmd === 'publish')
  }

  async isClosed(): Promise<void> {
    await until(() => this.closed, { label: 'the end of the connection' })
  }
}
