import type { Clock, Logger } from '@millrace/pipeline'
import type { HubIdentity } from './settings.ts'

/** A message to the hub; sent again after a reconnect until the hub has it, so it may come twice under one `messageId`. */
export interface HubMessage {
  body: Uint8Array
  /** At most 128 characters. */
  messageId?: string
  contentType?: string
  contentEncoding?: string
  /** Application properties. */
  properties?: Readonly<Record<string, string>>
}

/** What the service sent to this device. */
export interface HubCommand {
  body: Uint8Array
  messageId: string | undefined
  properties: Readonly<Record<string, string>>
}

export type HubMethod = (payload: unknown) => Promise<{ status: number; payload: unknown }>

/** Everything that the hub may ask of the device. */
export interface HubHandlers {
  /** The whole of the desired properties, at each connection and after each change. */
  onDesired?(desired: Readonly<Record<string, unknown>>): void
  /** A rejection is logged: over MQTT a command cannot be given back. */
  onCommand?(command: HubCommand): Promise<void>
  methods?: Readonly<Record<string, HubMethod>>
}

export interface AssignedHub {
  host: string
  deviceId: string
}

/** Keeps the hub that the provisioning service assigned, which wants to be asked seldom. */
export interface HubCache {
  load(): Promise<AssignedHub | undefined>
  save(hub: AssignedHub): Promise<void>
}

export interface IotHubLinkContext {
  log: Logger
  handlers?: HubHandlers
  /** Throws where the device is not the one that was expected. */
  checkIdentity?(identity: HubIdentity): void
  cache?: HubCache | undefined
  /** Told each time that a message is given to the wire. */
  onSend?(message: HubMessage): void
  /** Most messages on the way at once. Default 32. */
  maxOutstanding?: number
  /** Real time, for renewals and the pattern of losses. */
  clock?: Clock
  /** Real waiting unless a test brings its own. */
  wait?(ms: number, signal: AbortSignal): Promise<void>
  random?: () => number
}

export interface IotHubLinkState {
  /** Times that the token was renewed. */
  renewals: number
  /** Times that an established connection was lost. */
  losses: number
  /** Messages on the way at once at present; it halves with each loss and grows with each acknowledgement. */
  pace: number
  /** Messages that were sent again because their first fate was unknown. */
  repeats: number
}

/** A device of an IoT Hub that connects again by itself and sends again what was not acknowledged. */
export interface IotHubLink {
  /** Begins to connect; rejects with `package-missing` where the SDK is not installed. */
  start(): Promise<void>
  /**
   * Resolves when the hub acknowledged, however many connections that takes; rejects on `stop`, where `withdrawn` takes
   * it back while there is no connection, and with RejectedError where the hub will never take it.
   */
  send(message: HubMessage, withdrawn?: AbortSignal): Promise<void>
  /** Merges into the reported properties; rejects where there is no connection or the hub refuses, or without `onDesired`. */
  report(patch: Readonly<Record<string, unknown>>): Promise<void>
  onConnect(callback: () => void): void
  readonly connected: boolean
  readonly outstanding: number
  /** Undefined until it is known, which only provisioning defers. */
  readonly identity: { host: string; deviceId: string } | undefined
  /** What is wrong, in words that name a setting; null while all is well. */
  readonly lastError: string | null
  readonly state: IotHubLinkState
  /** Ends the connection; messages still outstanding reject. Safe without start and twice. */
  stop(): Promise<void>
}
