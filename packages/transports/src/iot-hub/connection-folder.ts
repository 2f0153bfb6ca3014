import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '@millrace/pipeline'
import { z } from 'zod'

/** A folder with what programs need to connect to a hub: connection strings of mode 0600, and of a local hub its authority. */
export interface HubConnections {
  /** PEM of the authority to trust. */
  authority: string
  eventHub: string
  service: string
  /** Connection strings by device. */
  devices: ReadonlyMap<string, string>
  doors: HubDoorPlaces
}

const doorsSchema = z.object({ gateway: z.string().exactOptional(), https: z.int().min(1).max(65_535).exactOptional() })

/** Where a hub answers, if not where its name says. */
export type HubDoorPlaces = z.output<typeof doorsSchema>

export const authorityFile = (folder: string) => join(folder, 'ca.crt')
export const eventHubConnectionFile = (folder: string) => join(folder, 'event-hub.connection')
export const serviceConnectionFile = (folder: string) => join(folder, 'service.connection')
const doorsFile = (folder: string) => join(folder, 'doors.json')

/** Not every file system takes every name of a device. */
export function deviceConnectionFile(folder: string, deviceId: string): string {
  return join(folder, `device-${encodeURIComponent(deviceId).replaceAll('*', '%2A')}.connection`)
}

function writeSecret(file: string, text: string): void {
  writeFileSync(`${file}.tmp`, `${text}\n`, { mode: 0o600 })
  // The mode of a file that was there already stays as it was.
  chmodSync(`${file}.tmp`, 0o600)
  renameSync(`${file}.tmp`, file)
}

export function writeDeviceConnections(folder: string, devices: ReadonlyMap<string, string>): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const [deviceId, text] of devices) writeSecret(deviceConnectionFile(folder, deviceId), text)
}

/** Each in a file of its own; that of the event hub is the last. */
export function writeConnectionFolder(folder: string, connections: HubConnections): void {
  writeDeviceConnections(folder, connections.devices)
  writeFileSync(authorityFile(folder), connections.authority)
  writeFileSync(doorsFile(folder), `${JSON.stringify(connections.doors)}\n`)
  writeSecret(serviceConnectionFile(folder), connections.service)
  writeSecret(eventHubConnectionFile(folder), connections.eventHub)
}

/** Throws a UsageError that names the setting where the folder is not there or its `doors.json` is spoilt. */
export function readHubPlaces(folder: string, setting: string): HubDoorPlaces & { ca?: string } {
  if (!existsSync(folder)) {
    const expected = 'a folder with connection strings, as `millrace hub --connections` makes one'
    throw new UsageError(`there is no folder ${folder}`, [{ path: setting, found: folder, expected }])
  }
  const ca = existsSync(authorityFile(folder)) ? { ca: authorityFile(folder) } : {}
  if (!existsSync(doorsFile(folder))) return ca
  try {
    return { ...doorsSchema.parse(JSON.parse(readFileSync(doorsFile(folder), 'utf8'))), ...ca }
  } catch (cause) {
    const problem = {
      path: doorsFile(folder),
      found: 'something else',
      expected: '{"gateway": "host:port", "https": port}',
    }
    throw new UsageError('the folder of the hub cannot be used', [problem], { cause })
  }
}
