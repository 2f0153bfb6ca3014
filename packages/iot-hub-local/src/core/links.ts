import { randomUUID } from 'node:crypto'
import type { Clock } from '@millrace/pipeline'
import { HubError } from '../hub-error.ts'
import type { DeviceLink, DeviceLinks, Json, JsonObject, MethodAnswer, MethodCall } from '../types.ts'

/** A connected device, as the core speaks to it. */
export interface LiveDevice extends DeviceLink {
  readonly deviceId: string
  end(reason: string): void
  desiredChanged(patch: JsonObject, version: number): void
  /** False when the device does not listen for methods. */
  sendMethod(requestId: string, name: string, payload: Json | undefined): boolean
  /** Something waits in the device's queue. */
  commandsWaiting(): void
}

interface Call {
  deviceId: string
  resolve(answer: MethodAnswer): void
}

/** Who is connected. One connection per device: a newcomer ends the one before. */
export class Links implements DeviceLinks {
  readonly #live = new Map<string, LiveDevice>()
  readonly #calls = new Map<string, Call>()
  /** Resolved whenever a device begins to listen for methods. */
  readonly #awaited = new Map<string, Set<() => void>>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get(deviceId: string): LiveDevice | undefined {
    return this.#live.get(deviceId)
  }

  count(): number {
    return this.#live.size
  }

  all(): Iterable<LiveDevice> {
    return this.#live.values()
  }

  attach(device: LiveDevice): void {
    const before = this.#live.get(device.deviceId)
    this.#live.set(device.deviceId, device)
    before?.end('another connection with this device id came (400027)')
  }

  /** Safe twice, and after another connection took the place. */
  detach(device: LiveDevice): void {
    if (this.#live.get(device.deviceId) === device) this.#live.delete(device.deviceId)
  }

  disconnect(deviceId: string, reason: string): void {
    this.#live.get(deviceId)?.end(reason)
  }

  listensForMethods(deviceId: string): void {
    for (const resolve of this.#awaited.get(deviceId) ?? []) resolve()
  }

  answerMethod(deviceId: string, requestId: string, answer: MethodAnswer): boolean {
    const call = this.#calls.get(requestId)
    if (call === undefined || call.deviceId !== deviceId) return false
    this.#calls.delete(requestId)
    call.resolve(answer)
    return true
  }

  async callMethod(deviceId: string, call: MethodCall): Promise<MethodAnswer> {
    const requestId = randomUUID()
    const send = () => this.#live.get(deviceId)?.sendMethod(requestId, call.name, call.payload) === true
    const until = this.#clock.monotonic() + call.connectTimeoutMs
    const answered = new Promise<MethodAnswer>((resolve) => this.#calls.set(requestId, { deviceId, resolve }))
    try {
      while (!send()) await this.#listening(deviceId, until)
      return await this.#withinTime(answered, deviceId, call.responseTimeoutMs)
    } finally {
      this.#calls.delete(requestId)
    }
  }

  async #listening(deviceId: string, until: number): Promise<void> {
    const leftMs = until - this.#clock.monotonic()
    if (leftMs <= 0) throw new HubError('DeviceNotOnline', `${deviceId} is not connected or takes no methods`)
    const waiting = this.#awaited.get(deviceId) ?? new Set()
    this.#awaited.set(deviceId, waiting)
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer)
        waiting.delete(done)
        if (waiting.size === 0) this.#awaited.delete(deviceId)
        resolve()
      }
      const timer = setTimeout(done, leftMs)
      waiting.add(done)
    })
  }

  async #withinTime(answered: Promise<MethodAnswer>, deviceId: string, withinMs: number): Promise<MethodAnswer> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      const error = new HubError('GatewayTimeout', `${deviceId} did not answer within ${withinMs} ms`)
      timer = setTimeout(() => reject(error), withinMs)
    })
    try {
      return await Promise.race([answered, late])
    } finally {
      clearTimeout(timer)
    }
  }
}
