import { connect } from 'node:net'

/** CONNECT of MQTT 3.1.1 with a clean session; the name has one byte of length. */
function connectPacket(clientId: string): Buffer {
  const id = Buffer.from(clientId)
  const rest = Buffer.concat([Buffer.from([0, 4]), Buffer.from('MQTT'), Buffer.from([4, 2, 0, 60, 0, id.length]), id])
  return Buffer.concat([Buffer.from([0x10, rest.length]), rest])
}

/** PUBLISH with QoS 1 that says it is as long as a message of MQTT can be. */
const longestLength = Buffer.from([0x32, 0xff, 0xff, 0xff, 0x7f])
const chunk = Buffer.alloc(64 * 1024, 0x61)
const chunks = 64
const closedWithinMs = 10_000

/** Promises 256 MiB and begins to send them. True where the broker ends the connection before it has taken them. */
export function publishHuge(port: number, clientId: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    const timer = setTimeout(() => end(false), closedWithinMs)
    const end = (refused: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(refused)
    }
    socket.once('connect', () => socket.write(connectPacket(clientId)))
    socket.once('data', () => {
      socket.write(longestLength)
      for (let n = 0; n < chunks; n++) socket.write(chunk)
    })
    socket.once('error', () => end(true))
    socket.once('close', () => end(true))
  })
}
