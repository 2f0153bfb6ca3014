import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** What becomes of the bytes of every connection through a proxy. */
export type ProxyMode =
  | { kind: 'pass' }
  /** Connections are reset, and so is every new one. */
  | { kind: 'cut' }
  /** New connections are taken, nothing passes, and nobody is told; what was held passes once another mode begins. */
  | { kind: 'stall' }
  /** As `stall`, but connections that meet it stay dead for good, as when the far side lost its power. */
  | { kind: 'half-open' }
  /** Every piece is held for so long. */
  | { kind: 'delay'; ms: number }
  /** A piece with this chance resets its connection instead of passing. */
  | { kind: 'drop'; share: number }
  | { kind: 'slow'; bytesPerSecond: number }
  /** Up and cut in turn. */
  | { kind: 'flap'; upMs: number; downMs: number }
  /** The target hears everything, its answers are lost, and the connection is reset `afterMs` after the first of them. */
  | { kind: 'deaf'; afterMs: number }

export interface TcpProxy {
  port: number
  /** Connections taken so far, and those that the proxy itself ended. */
  readonly taken: number
  readonly reset: number
  /** From now on, also for connections that are open. */
  mode(mode: ProxyMode): void
  close(): Promise<void>
}

export interface TcpProxyOptions {
  /** 0 or absent: any free one. */
  port?: number
  target: { host?: string; port: number }
  random?: () => number
}

type Direction = 'to-target' | 'to-client'

class Connection {
  readonly client: Socket
  readonly target: Socket
  dead = false

  constructor(client: Socket, target: Socket) {
    this.client = client
    this.target = target
  }

  reset(): void {
    for (const socket of [this.client, this.target]) {
      if (socket.destroyed) continue
      socket.resetAndDestroy()
    }
  }
}

class Door implements TcpProxy {
  port = 0
  taken = 0
  reset = 0
  readonly #options: TcpProxyOptions
  readonly #server: Server
  readonly #connections = new Set<Connection>()
  #mode: ProxyMode = { kind: 'pass' }
  #changed = Promise.withResolvers<void>()
  #flapping: NodeJS.Timeout | undefined
  #down = false

  constructor(options: TcpProxyOptions) {
    this.#options = options
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#take(client))
  }

  async listen(): Promise<this> {
    this.#server.listen({ host: '127.0.0.1', port: this.#options.port ?? 0 })
    await once(this.#server, 'listening')
    this.port = (this.#server.address() as { port: number }).port
    return this
  }

  mode(mode: ProxyMode): void {
    clearTimeout(this.#flapping)
    this.#mode = mode
    this.#down = false
    if (mode.kind === 'cut') this.#resetAll()
    if (mode.kind === 'half-open') for (const connection of this.#connections) connection.dead = true
    if (mode.kind === 'flap') this.#flap(mode)
    this.#changed.resolve()
    this.#changed = Promise.withResolvers<void>()
  }

  async close(): Promise<void> {
    clearTimeout(this.#flapping)
    this.#mode = { kind: 'cut' }
    this.#resetAll()
    this.#changed.resolve()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #flap({ upMs, downMs }: { upMs: number; downMs: number }): void {
    this.#flapping = setTimeout(
      () => {
        this.#down = !this.#down
        if (this.#down) this.#resetAll()
        this.#flap({ upMs, downMs })
      },
      this.#down ? downMs : upMs,
    )
  }

  #resetAll(): void {
    for (const connection of this.#connections) this.#end(connection)
  }

  #end(connection: Connection): void {
    this.reset++
    connection.reset()
  }

  #take(client: Socket): void {
    this.taken++
    const { host = '127.0.0.1', port } = this.#options.target
    // A socket without a listener would end this process with the error of its peer.
    client.on('error', () => client.destroy())
    if (this.#mode.kind === 'cut' || this.#down) {
      this.reset++
      client.resetAndDestroy()
      return
    }
    const target = connect({ host, port, noDelay: true, allowHalfOpen: true })
    const connection = new Connection(client, target)
    target.on('error', () => connection.reset())
    connection.dead = this.#mode.kind === 'half-open'
    this.#connections.add(connection)
    const both = [this.#pump(connection, 'to-target'), this.#pump(connection, 'to-client')]
    void Promise.all(both).finally(() => this.#connections.delete(connection))
  }

  async #pump(connection: Connection, direction: Direction): Promise<void> {
    const [from, to] =
      direction === 'to-target' ? [connection.client, connection.target] : [connection.target, connection.client]
    try {
      for await (const piece of from as AsyncIterable<Buffer>) {
        if (!(await this.#admit(connection, direction, piece))) continue
        if (!to.write(piece)) await Promise.race([once(to, 'drain'), once(to, 'close')])
      }
      // An end is news like any other: nobody hears it of a dead connection.
      await this.#whileHeld(connection)
      to.end()
    } catch {
      connection.reset()
    }
  }

  /** Waits as the mode says; false where the piece is lost. */
  async #admit(connection: Connection, direction: Direction, piece: Buffer): Promise<boolean> {
    await this.#whileHeld(connection)
    const mode = this.#mode
    if (mode.kind === 'delay') await delay(mode.ms)
    if (mode.kind === 'slow') await delay((piece.length * 1000) / mode.bytesPerSecond)
    if (mode.kind === 'drop' && (this.#options.random ?? Math.random)() < mode.share) {
      this.#end(connection)
      return false
    }
    if (mode.kind !== 'deaf' || direction === 'to-target') return true
    await delay(mode.afterMs)
    this.#end(connection)
    return false
  }

  async #whileHeld(connection: Connection): Promise<void> {
    while (connection.dead || this.#mode.kind === 'stall' || this.#mode.kind === 'half-open') {
      const gone = new Promise((resolve) => connection.client.once('close', resolve))
      await Promise.race([this.#changed.promise, gone])
      if (connection.client.destroyed) return
    }
  }
}

/** A door of 127.0.0.1 in front of a server, through which a test spoils the connections. */
export async function startProxy(options: TcpProxyOptions): Promise<TcpProxy> {
  return await new Door(options).listen()
}
