/** One device that sends as fast as its connection takes it: `flooder.ts PORT READINGS-PER-MESSAGE`. */
import { once } from 'node:events'
import { connect } from 'node:net'
import mqttPacket, { type Packet } from 'mqtt-packet'

const [port = 0, readings = 1] = process.argv.slice(2).map(Number)
const chunkBytes = 256 * 1024

function payload(seq: number): string {
  const one = (n: number) => ({ ts: Date.now() - n, seq: seq + n, boot: 'b', readings: { temperature: 20 + (n % 7) } })
  return JSON.stringify(Array.from({ length: readings }, (_, n) => one(n)))
}

function chunk(fromSeq: number): Buffer {
  const packets: Buffer[] = []
  for (let bytes = 0, n = 1; bytes < chunkBytes; n++) {
    const topic = 'telemetry/bench/flood'
    const packet = { cmd: 'publish', topic, payload: payload(fromSeq + n * readings), qos: 1, messageId: n } as Packet
    packets.push(mqttPacket.generate({ retain: false, dup: false, ...packet } as Packet))
    bytes += packets.at(-1)!.length
  }
  return Buffer.concat(packets)
}

const socket = connect(port, '127.0.0.1')
const hello = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clientId: 'flood', clean: true, keepalive: 60 }
socket.write(mqttPacket.generate(hello as Packet))
await once(socket, 'data')
socket.resume()
socket.on('error', () => process.exit())
process.send?.('ready')
process.once('disconnect', () => process.exit())
await once(process, 'message')
for (let seq = 0; ; seq += 1_000_000) if (!socket.write(chunk(seq))) await once(socket, 'drain')
