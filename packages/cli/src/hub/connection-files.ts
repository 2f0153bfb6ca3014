import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What programs need to connect, as the hub of a stack writes it into a folder. */
export interface HubConnections {
  /** PEM of the authority to trust. */
  authority: string
  eventHub: string
  service: string
  /** Connection strings by device. */
  devices: ReadonlyMap<string, string>
}

export const authorityFile = (folder: string) => join(folder, 'ca.crt')
export const eventHubConnectionFile = (folder: string) => join(folder, 'event-hub.connection')
export const serviceConnectionFile = (folder: string) => join(folder, 'service.connection')
export const deviceConnectionFile = (folder: string, deviceId: string) => join(folder, `device-${deviceId}.connection`)

function writeSecret(file: string, text: string): void {
  writeFileSync(`${file}.tmp`, `${text}\n`, { mode: 0o600 })
  // The mode of a file that was there already stays as it was.
  chmodSync(`${file}.tmp`, 0o600)
  renameSync(`${file}.tmp`, file)
}

/** Each in a file of its own that nobody else may read. */
export function writeConnectionFiles(folder: string, { authority, eventHub, service, devices }: HubConnections): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(authorityFile(folder), authority)
  writeSecret(serviceConnectionFile(folder), service)
  for (const [deviceId, text] of devices) writeSecret(deviceConnectionFile(folder, deviceId), text)
  writeSecret(eventHubConnectionFile(folder), eventHub)
}
