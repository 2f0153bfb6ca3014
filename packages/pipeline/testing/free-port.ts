import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Not where systems take a free port from by themselves: a port that is known before its server starts, and kept over
 * restarts, would be somebody else's in between. Processes that test side by side have ports of their own.
 */
const firstPort = 10_000
const blocks = 100
const portsOfBlock = 200
const block = firstPort + (process.pid % blocks) * portsOfBlock
let next = Math.floor(Math.random() * portsOfBlock)

/** A port of loopback that nobody has, and that is given to nobody else for long. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < portsOfBlock; tries++) {
    const port = block + (next++ % portsOfBlock)
    const server = createServer()
    const isFree = new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!(await isFree)) continue
    server.close()
    await once(server, 'close')
    return port
  }
  throw new Error(`no port from ${block} to ${block + portsOfBlock - 1} is free`)
}
