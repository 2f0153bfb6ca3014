/** A process that publishes a workload as fast as a broker takes it: `feed.ts PORT QOS CONNECTIONS DEVICES SECONDS`. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Message } from '@millrace/pipeline'
import { createWorkload } from './workload.ts'

const [port = 0, qos = 0, connections = 1, devices = 1, seconds = 1] = process.argv.slice(2).map(Number)
const chunkMessages = 500
const maxMessageId = 65_535

function remainingLength(length: number): number[] {
  return length < 128 ? [length] : [(length & 127) | 128, length >> 7]
}

/** An MQTT 3.1.1 packet: type byte, remaining length, content. */
function packet(type: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, ...remainingLength(content.length)]), content])
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes])
}

function publish({ topic, body }: Message, messageId: number): Buffer {
  const id = qos > 0 ? [Buffer.from([messageId >> 8, messageId & 255])] : []
  return packet(0x30 | (qos << 1), Buffer.concat([text(topic), ...id, body]))
}

async function open(nth: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  const keepaliveS = 300
  const head = Buffer.from([4, 2, keepaliveS >> 8, keepaliveS & 255])
  socket.write(packet(0x10, Buffer.concat([text('MQTT'), head, text(`feeder-${nth}`)])))
  await once(socket, 'data')
  socket.resume()
  return socket
}

/** Chunks of every connection, made before the clock runs. Each device keeps to one connection. */
function chunks(nth: number): Buffer[] {
  const workload = createWorkload({ devices, seconds, metrics: ['temperature'] })
  const all = workload.messages(0, workload.messageCount)
  const own = all.filter((_, at) => (at % devices) % connections === nth)
  const packets = own.map((message, at) => publish(message, (at % maxMessageId) + 1))
  const count = Math.ceil(packets.length / chunkMessages)
  return Array.from({ length: count }, (_, n) =>
    Buffer.concat(packets.slice(n * chunkMessages, (n + 1) * chunkMessages)),
  )
}

async function feed(nth: number, work: readonly Buffer[]): Promise<void> {
  const socket = await open(nth)
  for (const chunk of work) if (!socket.write(chunk)) await once(socket, 'drain')
}

const work = Array.from({ length: connections }, (_, nth) => chunks(nth))
process.send?.('ready')
process.once('message', () => {
  void Promise.all(work.map((own, nth) => feed(nth, own)))
})
process.once('disconnect', () => process.exit())
