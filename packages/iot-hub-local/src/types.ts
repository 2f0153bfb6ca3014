import type { Clock, Logger } from '@millrace/pipeline'

import type { EventLogs, EventValue, MessageProperties } from './event-types.ts'

export type * from './event-types.ts'

export type DeviceAuthentication =
  | { type: 'sas'; symmetricKey: { primaryKey: string; secondaryKey: string } }
  | { type: 'selfSigned'; x509Thumbprint: { primaryThumbprint: string; secondaryThumbprint: string } }

export interface Device {
  deviceId: string
  /** New whenever a device is made, also under an old name. */
  generationId: string
  etag: string
  status: 'enabled' | 'disabled'
  statusReason: string | null
  statusUpdatedMs: number
  authentication: DeviceAuthentication
  createdMs: number
}

export interface NewDevice {
  deviceId: string
  status?: 'enabled' | 'disabled'
  statusReason?: string | null
  /** Absent: a symmetric key with fresh keys; empty keys are filled with fresh ones. */
  authentication?: DeviceAuthentication
}

/** Kept in memory and on disk; look-ups are immediate, changes are on disk when they resolve. Failures are HubErrors. */
export interface Registry {
  get(deviceId: string): Device | undefined
  list(): readonly Device[]
  /** 409 when it exists, 400 for a bad id or key. */
  create(device: NewDevice): Promise<Device>
  /** Replaces status and authentication; 404, or 412 when the etag differs. A live connection that may no longer be is cut. */
  update(device: NewDevice, ifMatch?: string): Promise<Device>
  /** With its twin and its queue; its connection is cut. 404, 412. */
  remove(deviceId: string, ifMatch?: string): Promise<void>
}

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

export interface TwinSection {
  values: JsonObject
  /** `$metadata` as the hub shows it: `$lastUpdated` per key. */
  metadata: JsonObject
  version: number
}

export interface Twin {
  deviceId: string
  etag: string
  /** Of the whole twin. */
  version: number
  tags: JsonObject
  desired: TwinSection
  reported: TwinSection
}

export interface TwinPatch {
  tags?: Json
  desired?: Json
}

/** Patches are merges in which null deletes. Failures are HubErrors: 400 malformed, 404, 412 etag, 413 too large. */
export interface Twins {
  get(deviceId: string): Twin | undefined
  /** Of the service side. Pushes the change of desired to the device when it is connected. */
  patch(deviceId: string, patch: TwinPatch, ifMatch?: string): Promise<Twin>
  /** Tags and desired become exactly this. */
  replace(deviceId: string, values: TwinPatch, ifMatch?: string): Promise<Twin>
  /** Of the device. Returns the new version of reported. */
  report(deviceId: string, patch: Json): Promise<number>
}

export interface MethodCall {
  name: string
  payload: Json | undefined
  /** How long to wait for the device's answer; 5 to 300 s at the real hub. */
  responseTimeoutMs: number
  /** How long to wait for an absent device. */
  connectTimeoutMs: number
}

export interface MethodAnswer {
  status: number
  payload: Json
}

export interface DeviceLink {
  connectedMs: number
  lastActivityMs: number
}

/** Who is connected, and what may be asked of them. */
export interface DeviceLinks {
  get(deviceId: string): DeviceLink | undefined
  count(): number
  /** Closes the connection, if there is one. */
  disconnect(deviceId: string, reason: string): void
  /** Rejects with a HubError: 404103 not connected (or not subscribed), 504101 no answer in time. */
  callMethod(deviceId: string, call: MethodCall): Promise<MethodAnswer>
}

export type FeedbackWanted = 'none' | 'positive' | 'negative' | 'full'

export interface NewCommand {
  body: Uint8Array
  properties: Readonly<Record<string, EventValue>>
  message: MessageProperties
  feedback: FeedbackWanted
}

export type CommandOutcome = 'Success' | 'Expired' | 'DeliveryCountExceeded' | 'Rejected' | 'Purged'

export interface Feedback {
  /** Grows; what `settle` takes. */
  id: number
  originalMessageId: string
  deviceId: string
  deviceGenerationId: string
  outcome: CommandOutcome
  atMs: number
}

/** Cloud-to-device messages, held on disk until the device took or outlived them: at most 50 waiting for each. */
export interface Commands {
  /** Resolves when it is on disk. HubErrors: 404 unknown device, 403 queue full, 413 over 64 KB. */
  send(deviceId: string, command: NewCommand): Promise<void>
  waiting(deviceId: string): number
  /** How many were thrown away. */
  purge(deviceId: string): Promise<number>
  /** The oldest feedback not yet settled. */
  feedback(limit: number): Promise<Feedback[]>
  settle(upToId: number): Promise<void>
  /** Called after feedback was written. Returns its own end. */
  onFeedback(listener: () => void): () => void
}

export type Permission = 'registryRead' | 'registryWrite' | 'serviceConnect' | 'deviceConnect'

/** A shared access policy; the usual five are made with the hub. */
export interface Policy {
  name: string
  primaryKey: string
  secondaryKey: string
  permissions: readonly Permission[]
}

/** Certificate and key in PEM. */
export interface ServerCertificate {
  cert: string
  key: string
  /** The authority that signed it, in PEM and as a file. */
  ca: string
  caFile: string
}

/** Everything behind the doors of the hub; the device side and the service side are built on it. */
export interface HubCore {
  /** Name of the hub and of its built-in, Event-Hub-compatible endpoint. */
  readonly name: string
  /** All names without ports, lower case, by which clients may call the hub: tokens are made for one of them. */
  readonly hostNames: readonly string[]
  readonly clock: Clock
  readonly log: Logger
  readonly policies: readonly Policy[]
  readonly certificate: ServerCertificate
  readonly events: EventLogs
  /** In lower case; absent: any name is one. */
  readonly consumerGroups?: ReadonlySet<string>
  readonly registry: Registry
  readonly twins: Twins
  readonly links: DeviceLinks
  readonly commands: Commands
  close(): Promise<void>
}
