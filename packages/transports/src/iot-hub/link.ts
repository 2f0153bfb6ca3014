import { describeError, MillraceError, pause, systemClock, UnreachableError } from '@millrace/pipeline'
import { explainHubFailure, type HubFailure } from './failure.ts'
import { Outbound } from './outbound.ts'
import { askProvisioning } from './provision.ts'
import { Rests } from './rests.ts'
import { type DeviceSdk, loadDeviceSdk } from './sdk.ts'
import { Session } from './session.ts'
import {
  checkHubSettings,
  fingerprintOf,
  type HubIdentity,
  type IotHubSettings,
  readAuthorities,
  readHubIdentity,
} from './settings.ts'
import type { HubMessage, IotHubLink, IotHubLinkContext, IotHubLinkState } from './types.ts'

const defaultMaxOutstanding = 32
const renewAfter = 0.75
const drainMs = 5_000
const silentTimeouts = 3
const lookEveryMs = 2_000

const cutOffReason =
  'connected and cut off again and again: another program may use the identity of this device, as a hub lets only one ' +
  'connection stand; else the hub throttles it or its daily quota is used up (see the metrics of the hub)'

/**
 * A device link over Microsoft's SDK. Throws a UsageError where settings do not fit together or a file cannot be read;
 * files are read again at each try, so that a corrected key needs no restart.
 */
export function createIotHubLink(settings: IotHubSettings, context: IotHubLinkContext): IotHubLink {
  checkHubSettings(settings)
  const read = readHubIdentity(settings)
  readAuthorities(settings)
  if ('credential' in read) context.checkIdentity?.(read)
  return new Link(settings, context)
}

type Loss = { kind: 'lost'; error: unknown } | { kind: 'trouble'; failure: HubFailure }
type End = Loss | { kind: 'renew' } | { kind: 'stop' }

class Link implements IotHubLink {
  readonly #settings: IotHubSettings
  readonly #context: IotHubLinkContext
  readonly #stopping = new AbortController()
  readonly #outbound: Outbound
  readonly #rests: Rests
  readonly #connectListeners: (() => void)[] = []
  #sdk: DeviceSdk | undefined
  #session: Session | undefined
  #running: Promise<void> | undefined
  #trouble: (failure: HubFailure) => void = () => undefined
  #identity: HubIdentity | undefined
  #asksAgain = false
  #renewals = 0
  #losses = 0
  lastError: string | null = null

  constructor(settings: IotHubSettings, context: IotHubLinkContext) {
    this.#settings = settings
    this.#context = context
    const { maxOutstanding = defaultMaxOutstanding, clock = systemClock, random = Math.random, onSend } = context
    this.#rests = new Rests(() => clock.monotonic(), random)
    this.#outbound = new Outbound({ maxOutstanding, onSend, onTrouble: (failure) => this.#onTrouble(failure) })
  }

  get connected(): boolean {
    return this.#session !== undefined && !this.#session.over
  }

  get outstanding(): number {
    return this.#outbound.size
  }

  get identity(): { host: string; deviceId: string } | undefined {
    return this.#identity && { host: this.#identity.host, deviceId: this.#identity.deviceId }
  }

  get state(): IotHubLinkState {
    const { pace, repeats } = this.#outbound
    return { renewals: this.#renewals, losses: this.#losses, pace, repeats }
  }

  async start(): Promise<void> {
    this.#sdk = await loadDeviceSdk(this.#settings.protocol, this.#context.log)
    this.#running ??= this.#run(this.#sdk)
  }

  send(message: HubMessage, withdrawn?: AbortSignal): Promise<void> {
    if (this.#stopping.signal.aborted) return Promise.reject(new UnreachableError('the link has been stopped'))
    return this.#outbound.add(message, withdrawn)
  }

  async report(patch: Readonly<Record<string, unknown>>): Promise<void> {
    if (!this.#session) throw new UnreachableError('not connected to the hub')
    await this.#session.report(patch)
  }

  onConnect(callback: () => void): void {
    this.#connectListeners.push(callback)
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('stopped'))
    await this.#running
    this.#outbound.abandon(new UnreachableError('the link was stopped before the hub acknowledged'))
  }

  async #run(sdk: DeviceSdk): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        const session = await this.#open(sdk)
        await this.#rest(await this.#serve(session))
      } catch (error) {
        if (!signal.aborted) await this.#rest(this.#refused(error))
      }
    }
  }

  async #open(sdk: DeviceSdk): Promise<Session> {
    const { gateway, keepalive: keepaliveMs, tokenLife: tokenLifeMs } = this.#settings
    const { handlers = {}, log } = this.#context
    const identity = await this.#findIdentity()
    this.#context.checkIdentity?.(identity)
    this.#identity = identity
    const ca = readAuthorities(this.#settings)
    return await Session.open({ sdk, identity, ca, gateway, keepaliveMs, tokenLifeMs, handlers, log })
  }

  /** The provisioning service is asked only where no hub is known, or the known one refused the device. */
  async #findIdentity(): Promise<HubIdentity> {
    const found = readHubIdentity(this.#settings)
    if ('credential' in found) return found
    const { cache } = this.#context
    const known = this.#asksAgain ? undefined : (this.#identity ?? (await cache?.load()))
    const hub = known ?? (await askProvisioning(found, readAuthorities(this.#settings)))
    this.#asksAgain = false
    if (!known) await cache?.save({ host: hub.host, deviceId: hub.deviceId })
    return { host: hub.host, deviceId: hub.deviceId, credential: { key: found.key } }
  }

  /** Resolves when the connection is over, with the time to rest. */
  async #serve(session: Session): Promise<number> {
    const { clock = systemClock, log } = this.#context
    const beganMs = clock.monotonic()
    this.#session = session
    this.#rests.well()
    this.lastError = null
    log.info({ host: this.#identity?.host, device: this.#identity?.deviceId }, 'connected to the IoT Hub')
    this.#outbound.connected(session)
    for (const listener of this.#connectListeners) listener()
    const end = await this.#end(session)
    if (end.kind === 'renew' || end.kind === 'stop') await this.#outbound.drain(drainMs)
    this.#session = undefined
    this.#outbound.lost(end.kind === 'lost')
    await session.close()
    if (end.kind === 'renew') this.#renewals++
    if (end.kind === 'renew' || end.kind === 'stop') return 0
    return this.#afterLoss(end, clock.monotonic() - beganMs)
  }

  async #end(session: Session): Promise<End> {
    const { signal } = this.#stopping
    const over = new AbortController()
    const trouble = new Promise<End>((resolve) => {
      this.#trouble = (failure) => resolve({ kind: 'trouble', failure })
    })
    const stopped = new Promise<End>((resolve) => {
      const stop = () => resolve({ kind: 'stop' })
      if (signal.aborted) stop()
      signal.addEventListener('abort', stop, { once: true, signal: over.signal })
    })
    const lost = session.ended.then((error): End => ({ kind: 'lost', error }))
    try {
      return await Promise.race([lost, trouble, stopped, this.#renewal(over.signal)])
    } finally {
      over.abort(new Error('over'))
    }
  }

  /** Certificates need no renewal. */
  async #renewal(over: AbortSignal): Promise<End> {
    const never = new Promise<never>(() => undefined)
    if (this.#identity && 'cert' in this.#identity.credential) return await never
    try {
      await pause(this.#settings.tokenLife * renewAfter, over)
      return { kind: 'renew' }
    } catch {
      return await never
    }
  }

  /** Single answers that are late are asked for again; a connection that stays silent is made anew. */
  #onTrouble(failure: HubFailure): void {
    const late = this.#outbound.timeouts > 0 && failure.fate === 'wait'
    if (!late || this.#outbound.timeouts >= silentTimeouts) this.#trouble(failure)
  }

  #afterLoss(end: Loss, livedMs: number): number {
    const failure = end.kind === 'trouble' ? end.failure : explainHubFailure(end.error)
    this.#losses++
    const known = failure.fate === 'hold' || failure.fate === 'slow-down'
    if (failure.fate === 'slow-down') this.#outbound.slowDown()
    const { restMs, cutOff } = known
      ? { restMs: this.#rests.failed(failure), cutOff: false }
      : this.#rests.lost(livedMs)
    this.#tell(cutOff ? cutOffReason : failure.reason, restMs)
    return restMs
  }

  #refused(error: unknown): number {
    const ours = error instanceof MillraceError
    const failure: HubFailure = ours ? { fate: 'identity', reason: describeError(error) } : explainHubFailure(error)
    if (failure.fate === 'identity') this.#asksAgain = !ours
    const restMs = this.#rests.failed(failure)
    this.#tell(failure.reason, restMs)
    return restMs
  }

  #tell(reason: string, waitMs: number): void {
    if (this.lastError !== reason) this.#context.log.warn({ reason, waitMs: Math.round(waitMs) }, 'no IoT Hub')
    this.lastError = reason
  }

  /** Ends early when a file of the settings has changed. */
  async #rest(restMs: number): Promise<void> {
    const { wait = pause } = this.#context
    const { signal } = this.#stopping
    const before = fingerprintOf(this.#settings)
    try {
      for (let left = restMs; left > 0 && fingerprintOf(this.#settings) === before; left -= lookEveryMs) {
        await wait(Math.min(left, lookEveryMs), signal)
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
}
