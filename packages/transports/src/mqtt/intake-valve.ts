import type { Socket } from 'node:net'
import type { FrameGuard } from './frame-guard.ts'
import type { Bucket, Quota } from './quota.ts'

/** Nobody is left unread for longer, times the connections that share a quota, nor for half a keepalive: pings are behind the publishes. */
const maxPauseMs = 5_000
/** What is read at once of somebody over the quota. */
const morselBytes = 1024

/** `telemetry/{site}/{device}[/...]` is named `{site}/{device}`; of other topics the first levels. */
function deviceOf(topic: string): string {
  const first = topic.indexOf('/')
  const second = topic.indexOf('/', first + 1)
  const third = second < 0 ? -1 : topic.indexOf('/', second + 1)
  return topic.slice(first + 1, third < 0 ? undefined : third)
}

/**
 * Stands between one socket and aedes, which takes bytes with `read`: ends the connection at the declared length of a
 * packet that is too long, before anything of it is buffered, and leaves the socket unread while its sender is over the
 * quota. So what is too much waits in the sender, by TCP, and nothing of it is dropped or held here.
 */
export class IntakeValve {
  readonly #socket: Socket
  readonly #guard: FrameGuard
  readonly #quota: Quota
  /** Undefined until it is known whose connection it is. */
  #bucket: Bucket | undefined
  /** Everything on this connection is of one device. */
  #named = false
  /** While the connection's own bucket is empty: its devices are counted. */
  #watching = false
  /** The emptiest bucket of a device seen since the last read. */
  #loud: Bucket | undefined
  #halfKeepaliveMs = maxPauseMs
  #timer: NodeJS.Timeout | undefined
  /** After each pause something is read, whatever is left to wait for: who is unread for too long is taken for dead. */
  #due = false
  #closed = false

  constructor(socket: Socket, guard: FrameGuard, quota: Quota) {
    this.#socket = socket
    this.#guard = guard
    this.#quota = quota
  }

  /** Puts itself in front of the socket's `read`; `deny` is told why the connection is ended. */
  attach(deny: (reason: string) => void): void {
    const socket = this.#socket
    const read = socket.read.bind(socket)
    // aedes asks for everything; the stream itself for nothing, to be filled up, and drops what comes back.
    socket.read = (size?: number): Buffer | null => {
      // aedes asks once more where a publish is settled after the end of its connection.
      if (size === 0 || this.#closed) return read(size)
      const room = this.#room()
      if (room === 0) return null
      const chunk: Buffer | null = read(this.#size(room))
      const refusal = chunk ? this.#take(chunk, room) : undefined
      if (refusal === undefined) return chunk
      deny(refusal)
      socket.destroy()
      return null
    }
    socket.once('close', () => this.#close())
  }

  #size(room: number | undefined): number | undefined {
    return room === undefined ? undefined : Math.min(room, this.#socket.readableLength) || undefined
  }

  /** The reason to end the connection, if there is one. */
  #take(chunk: Buffer, room: number | undefined): string | undefined {
    const refusal = this.#guard.check(chunk)
    this.#charge()
    // aedes asks again after a packet, and a morsel may hold none.
    if (room !== undefined && this.#socket.readableLength > 0) setImmediate(() => this.#wake())
    return refusal
  }

  /** Whose connection it is: of a device, or of somebody who may speak for many. */
  identify(user: string, clientId: string, isDevice: boolean): void {
    this.#named = isDevice
    const bucket = isDevice ? this.#quota.ofUser(user) : this.#quota.ofClient(clientId)
    this.#bucket = bucket
    if (this.#closed) return
    bucket.holders++
    // What was read with the CONNECT.
    this.#quota.refill(bucket, this.#quota.nowMs)
    this.#charge()
  }

  keepalive(seconds: number): void {
    if (seconds > 0) this.#halfKeepaliveMs = seconds * 500
  }

  /** Told of each publish; does nothing while the connection is within its quota. */
  published(topic: string, bytes: number): void {
    if (!this.#bucket || !this.#watching || this.#named) return
    const bucket = this.#quota.ofDevice(deviceOf(topic))
    this.#quota.refill(bucket, this.#bucket.atMs)
    this.#quota.charge(bucket, 1 + (bytes >> 10))
    if (bucket.level < (this.#loud?.level ?? this.#quota.calm)) this.#loud = bucket
  }

  #charge(): void {
    const bucket = this.#bucket
    if (!bucket || this.#guard.cost === 0) return
    this.#quota.charge(bucket, this.#guard.cost)
    if (this.#guard.published) this.#quota.publishes(bucket)
    this.#guard.cost = 0
    this.#guard.published = false
  }

  /** Bytes that may be read now; undefined: all there are. */
  #room(): number | undefined {
    if (this.#timer !== undefined) return 0
    const quota = this.#quota
    const bucket = this.#bucket
    if (!bucket) return undefined
    const nowMs = quota.nowMs
    quota.sweep(nowMs)
    quota.refill(bucket, nowMs)
    this.#watch(bucket.level < quota.calm)
    const loud = this.#watching ? this.#loudest(nowMs) : undefined
    if (loud) return this.#slowly(loud)
    quota.resumed(this)
    return undefined
  }

  #watch(watching: boolean): void {
    if (watching !== this.#watching) this.#quota.watchers += watching ? 1 : -1
    this.#watching = watching
  }

  #loudest(nowMs: number): Bucket | undefined {
    if (this.#named) this.#loud = this.#bucket
    const loud = this.#loud
    if (!loud) return undefined
    this.#quota.refill(loud, nowMs)
    if (loud.level < this.#quota.calm && this.#quota.enforced(loud)) return loud
    this.#loud = undefined
    return undefined
  }

  #slowly(loud: Bucket): number {
    if (loud.level >= 0 || this.#due) {
      this.#due = false
      return morselBytes
    }
    const shareMs = Math.min(maxPauseMs, this.#quota.waitMs(loud)) * Math.max(1, loud.holders)
    const waitMs = Math.min(this.#halfKeepaliveMs, shareMs)
    this.#quota.paused(this, loud, waitMs)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#due = true
      this.#wake()
    }, waitMs)
    return 0
  }

  #wake(): void {
    if (!this.#socket.destroyed) this.#socket.emit('readable')
  }

  #close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#watch(false)
    this.#quota.resumed(this)
    if (this.#bucket) this.#bucket.holders--
  }
}
