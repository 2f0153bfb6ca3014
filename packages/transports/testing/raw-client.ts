import { connect, type Socket } from 'node:net'
import { until } from '@millrace/pipeline/testing'
import mqttPacket, { type Packet } from 'mqtt-packet'

const raws = new Set<Raw>()

/** Ends every connection made here. */
export function closeRaws(): void {
  for (const raw of raws) raw.socket.destroy()
  raws.clear()
}

export const connectPacket = (rest: object = {}): Packet =>
  ({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clientId: 'raw',
    clean: true,
    keepalive: 60,
    ...rest,
  }) as Packet
export const publishPacket = (topic: string, rest: object = {}): Packet =>
  ({ cmd: 'publish', topic, payload: 'x', qos: 0, retain: false, dup: false, ...rest }) as Packet

/** A socket that speaks bytes, and what came back on it. */
export class Raw {
  readonly socket: Socket
  readonly packets: Packet[] = []
  closed = false

  constructor(port: number, host = '127.0.0.1', localAddress?: string) {
    const parser = mqttPacket.parser()
    parser.on('packet', (packet) => this.packets.push(packet))
    this.socket = connect({ port, host, ...(localAddress ? { localAddress } : {}) })
    this.socket.on('data', (bytes) => parser.parse(bytes))
    this.socket.on('error', () => undefined)
    this.socket.on('close', () => {
      this.closed = true
    })
    raws.add(this)
  }

  send(...packets: Packet[]): this {
    for (const packet of packets) this.socket.write(mqttPacket.generate(packet))
    return this
  }

  /** Connects, and waits for the broker's yes. */
  async login(rest: object = {}): Promise<this> {
    this.send(connectPacket(rest))
    await until(() => this.packets.length > 0, { label: 'CONNACK' })
    return this
  }
}
