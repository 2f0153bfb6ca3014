import type { SentBytes } from './steps.ts'

/** What the program told others over MQTT. */
export interface SentPacket {
  /** Place in the trace at which its last byte left. */
  at: number
  /** Who is at the other end: a client of the program's broker, or a broker. */
  to: 'client' | 'broker'
  packet: { kind: 'puback'; id: number } | { kind: 'publish'; topic: string; body: Buffer }
}

interface Connection {
  bytes: Buffer
  to: SentPacket['to'] | 'other' | undefined
}

const types = { connect: 1, connack: 2, publish: 3, puback: 4 }

/** Reads the MQTT packets in what left by sockets; what is not MQTT is passed over. */
export function sentPackets(sent: readonly SentBytes[]): SentPacket[] {
  const connections = new Map<string, Connection>()
  const packets: SentPacket[] = []
  for (const { at, connection: name, bytes } of sent) {
    const connection = connections.get(name) ?? { bytes: Buffer.alloc(0), to: undefined }
    connections.set(name, connection)
    connection.to ??= sideOf(bytes[0]! >> 4)
    const { to } = connection
    if (to === 'other' || to === undefined) continue
    connection.bytes = Buffer.concat([connection.bytes, bytes])
    for (let next = firstPacket(connection.bytes); next; next = firstPacket(connection.bytes)) {
      const packet = contentOf(next)
      if (packet) packets.push({ at, to, packet })
      connection.bytes = connection.bytes.subarray(next.length)
    }
  }
  return packets
}

/** The first byte of a connection tells: a client begins with CONNECT, a broker with CONNACK. */
function sideOf(type: number): Connection['to'] {
  if (type === types.connect) return 'broker'
  return type === types.connack ? 'client' : 'other'
}

interface Whole {
  type: number
  flags: number
  body: Buffer
  /** With its header. */
  length: number
}

function firstPacket(bytes: Buffer): Whole | undefined {
  let size = 0
  for (let index = 1; index < Math.min(bytes.byteLength, 5); index++) {
    size += (bytes[index]! & 0x7f) * 128 ** (index - 1)
    if (bytes[index]! >= 0x80) continue
    const length = index + 1 + size
    if (bytes.byteLength < length) return undefined
    return { type: bytes[0]! >> 4, flags: bytes[0]! & 15, body: bytes.subarray(index + 1, length), length }
  }
  return undefined
}

/** Of MQTT 3.1.1, which both services speak. */
function contentOf({ type, flags, body }: Whole): SentPacket['packet'] | undefined {
  if (type === types.puback) return { kind: 'puback', id: body.readUInt16BE(0) }
  if (type !== types.publish) return undefined
  const topicBytes = body.readUInt16BE(0)
  const topic = body.toString('utf8', 2, 2 + topicBytes)
  const idBytes = (flags & 6) === 0 ? 0 : 2
  return { kind: 'publish', topic, body: body.subarray(2 + topicBytes + idBytes) }
}
