import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, type Message } from '@azure/iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'
import { afterAll, afterEach } from 'vitest'
import { serverCertificate } from '../src/core/certificates.ts'
import { type LocalHub, type LocalHubOptions, startLocalHub } from '../src/index.ts'
import type { EventLog, LogEvent } from '../src/types.ts'

const cleanups: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

export function atEnd(cleanup: () => Promise<unknown> | unknown): void {
  cleanups.push(cleanup)
}

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-hub-'))
  atEnd(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

let certificates: string | undefined

/** A data folder that has its certificates already: keys take their time. */
export function newHubFolder(): string {
  if (certificates === undefined) {
    certificates = mkdtempSync(join(tmpdir(), 'millrace-hub-certificates-'))
    const names = ['localhost', '127.0.0.1', '::1', hostname()]
    serverCertificate({ folder: certificates, names, nowMs: Date.now() })
  }
  const folder = newFolder()
  cpSync(certificates, join(folder, 'certificates'), { recursive: true })
  return folder
}

afterAll(() => {
  if (certificates !== undefined) rmSync(certificates, { recursive: true, force: true })
})

/** A hub on free ports; in a folder of its own unless one is given. */
export async function startHub(options: Partial<LocalHubOptions> = {}): Promise<LocalHub> {
  const dataDir = options.dataDir ?? newHubFolder()
  const ports = { mqtt: 0, https: 0, amqp: 0, amqps: 0 }
  const hub = await startLocalHub({ ports, ...options, dataDir })
  atEnd(() => hub.stop())
  return hub
}

export interface SdkOptions {
  transport?: typeof Mqtt
  /** More than `ca`; options that are set later replace all. */
  options?: object
}

/** Microsoft's client, not yet connected. */
export async function sdkClient(connectionString: string, caFile: string, more: SdkOptions = {}): Promise<Client> {
  const client = Client.fromConnectionString(connectionString, more.transport ?? Mqtt)
  client.on('error', () => undefined)
  await client.setOptions({ ca: readFileSync(caFile, 'utf8'), ...more.options })
  atEnd(() => Promise.race([client.close().catch(() => undefined), new Promise((done) => setTimeout(done, 1_000))]))
  return client
}

export async function openClient(hub: LocalHub, deviceId = 'pi-01'): Promise<Client> {
  const client = await sdkClient(await hub.deviceConnectionString(deviceId), hub.caFile)
  await client.open()
  return client
}

/** Everything in a log, partition by partition. */
export async function eventsOf(log: EventLog): Promise<LogEvent[]> {
  const events: LogEvent[] = []
  for (let partition = 0; partition < log.partitions; partition++) {
    let next = log.info(partition).firstSequence
    for (;;) {
      const some = await log.read(partition, next, { events: 1000, bytes: 1e7 })
      if (some.length === 0) break
      events.push(...some)
      next = some.at(-1)!.sequence + 1
    }
  }
  return events
}

export const textOf = ({ body }: { body: Uint8Array }): string => Buffer.from(body).toString()

export type { Message }
