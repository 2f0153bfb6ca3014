import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { durationMs, type Problem, readSecret, UsageError } from '@millrace/pipeline'
import { z } from 'zod'
import { readKey, readPem } from '../mqtt/settings.ts'
import { checkTls } from '../mqtt/tls.ts'
import { unquoted } from './unquoted.ts'

const second = 1_000
const file = z.string().min(1)

/** How a device reaches its IoT Hub, as it stands in config files: one of three ways to say who it is. */
export const iotHubSettings = z.object({
  /** `HostName=...;DeviceId=...;SharedAccessKey=...` in the first line of a file of mode 0600. */
  connectionStringFile: file.optional(),
  /** With a certificate: the hub's name, the device's and its PEM files. */
  host: z.string().min(1).optional(),
  deviceId: z.string().min(1).max(128).optional(),
  cert: file.optional(),
  key: file.optional(),
  /** The provisioning service finds the hub: it is asked again when that hub refuses the device. */
  provisioning: z
    .strictObject({
      host: z.string().min(1).default('global.azure-devices-provisioning.net'),
      idScope: z.string().min(1),
      registrationId: z
        .string()
        .max(128)
        .regex(/^[a-z0-9._:-]*[a-z0-9]$/, 'lower-case letters, digits and - . _ : with a letter or digit at the end'),
      /** Of this device, or with `group` of the enrolment group. */
      keyFile: file,
      group: z.boolean().default(false),
    })
    .optional(),
  /** PEM file of the authorities to trust, where they are not those of the operating system. */
  ca: file.optional(),
  /** A name, with a port if need be, to connect to instead of the hub's own. */
  gateway: z.string().min(1).optional(),
  /** `mqtt-ws` is MQTT over WebSocket on port 443. */
  protocol: z.enum(['mqtt', 'mqtt-ws']).default('mqtt'),
  keepalive: durationMs
    .refine((ms) => ms >= 5 * second && ms <= 1_177 * second, 'a duration from 5s to 1177s')
    .default(60 * second),
  /** How long a token is valid; the connection is renewed when three quarters are over. */
  tokenLife: durationMs
    .refine((ms) => ms >= 30 * second && ms <= 24 * 3_600 * second, 'a duration from 30s to 24h')
    .default(3_600 * second),
})
export type IotHubSettings = z.output<typeof iotHubSettings>

/** Who a device is at a hub that is known. */
export interface HubIdentity {
  host: string
  deviceId: string
  credential: { key: string } | { cert: string; key: string }
}

export interface ProvisioningIdentity {
  host: string
  idScope: string
  registrationId: string
  /** Of the device itself, also where the settings name a group's. */
  key: string
}

/** A group's key gives each device of the group its own. */
export function deviceKeyOf(groupKey: string, registrationId: string): string {
  return createHmac('sha256', Buffer.from(groupKey, 'base64')).update(registrationId).digest('base64')
}

const ways = ['connectionStringFile', 'cert', 'provisioning'] as const

function problem(path: string, found: string, expected: string): Problem {
  return { path, found, expected }
}

function wayProblems(settings: IotHubSettings): Problem[] {
  const given = ways.filter((way) => settings[way] !== undefined)
  if (given.length !== 1) {
    const found = given.length === 0 ? 'nothing' : given.join(' and ')
    return [problem('connectionStringFile', found, `one of ${ways.join(', ')}`)]
  }
  const needed = (['host', 'deviceId', 'key'] as const).filter((name) => settings[name] === undefined)
  if (settings.cert !== undefined) return needed.map((path) => problem(path, 'nothing', 'it, since `cert` is set'))
  const extra = (['host', 'deviceId', 'key'] as const).filter((name) => settings[name] !== undefined)
  return extra.map((path) => problem(path, 'a value', `none, since \`${given[0]}\` says it`))
}

/** Throws a UsageError that names every setting that does not fit the others. */
export function checkHubSettings(settings: IotHubSettings): void {
  const problems = wayProblems(settings)
  if (settings.protocol === 'mqtt-ws' && settings.gateway?.includes(':')) {
    problems.push(problem('gateway', settings.gateway, 'a name without a port: MQTT over WebSocket is always on 443'))
  }
  if (problems.length > 0) throw new UsageError('the settings of the IoT Hub do not fit together', problems)
}

/** Fields of a device's connection string. Throws a UsageError without the text, which is a secret. */
export function parseConnectionString(text: string, setting: string): HubIdentity {
  const fields = new Map(
    unquoted(text)
      .split(';')
      .flatMap((part) => {
        const at = part.indexOf('=')
        return at < 1 ? [] : [[part.slice(0, at).trim(), part.slice(at + 1).trim()] as const]
      }),
  )
  const missing = ['HostName', 'DeviceId', 'SharedAccessKey'].filter((name) => !fields.get(name))
  if (missing.length > 0) {
    const service = fields.has('SharedAccessKeyName') ? " (this looks like a service's, not a device's)" : ''
    const found = `a text without ${missing.join(', ')}${service}`
    const expected = 'the connection string of a device: HostName=...;DeviceId=...;SharedAccessKey=...'
    throw new UsageError('the connection string of the IoT Hub cannot be used', [problem(setting, found, expected)])
  }
  const key = fields.get('SharedAccessKey')!
  checkKey(key, setting)
  return { host: fields.get('HostName')!, deviceId: fields.get('DeviceId')!, credential: { key } }
}

function checkKey(key: string, setting: string): void {
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(key) && key.length % 4 === 0) return
  const found = 'a key that is not base64: it may be cut off'
  throw new UsageError('the key of the IoT Hub device cannot be used', [
    problem(setting, found, 'the key as it is shown'),
  ])
}

/** Reads who the device is; with provisioning only the service knows the hub. Throws a UsageError that names the setting. */
export function readHubIdentity(settings: IotHubSettings): HubIdentity | ProvisioningIdentity {
  const { connectionStringFile, provisioning, host, deviceId, cert, key } = settings
  if (connectionStringFile !== undefined) {
    return parseConnectionString(readSecret(connectionStringFile, 'connectionStringFile'), 'connectionStringFile')
  }
  if (provisioning === undefined) {
    const files = { cert: readPem(cert!, 'cert'), key: readKey(key!, 'key') }
    checkTls(files, 'cert')
    return { host: host!, deviceId: deviceId!, credential: { cert: String(files.cert), key: String(files.key) } }
  }
  const { keyFile, group, ...rest } = provisioning
  const secret = readSecret(keyFile, 'provisioning.keyFile')
  checkKey(secret, 'provisioning.keyFile')
  return { ...rest, key: group ? deviceKeyOf(secret, rest.registrationId) : secret }
}

/** PEM text of the authorities to trust. */
export function readAuthorities({ ca }: IotHubSettings): string | undefined {
  return ca === undefined ? undefined : String(readPem(ca, 'ca'))
}

/** Changes when a file of the settings does, so that a corrected key is tried at once. */
export function fingerprintOf({ connectionStringFile, cert, key, ca, provisioning }: IotHubSettings): string {
  return [connectionStringFile, cert, key, ca, provisioning?.keyFile].map(contentOf).join('\n')
}

function contentOf(path: string | undefined): string {
  try {
    return path === undefined ? '' : readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
