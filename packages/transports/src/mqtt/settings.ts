import { readFileSync } from 'node:fs'
import { hasNoCredentials, type Problem, readSecret, refuseOpenSecret, UsageError } from '@millrace/pipeline'
import { z } from 'zod'
import { checkTls } from './tls.ts'

/** How to reach an MQTT broker, as it stands in config files. */
export const mqttSettings = z.object({
  url: z
    .url({ protocol: /^(mqtt|mqtts|tcp|ssl)$/, hostname: /.+/ })
    .refine(hasNoCredentials, 'a URL without name and password; use username and passwordFile'),
  username: z.string().min(1).optional(),
  passwordFile: z.string().min(1).optional(),
  /** PEM files: the authorities to trust, and this client's certificate and key. */
  ca: z.string().min(1).optional(),
  cert: z.string().min(1).optional(),
  key: z.string().min(1).optional(),
})
export type MqttSettings = z.output<typeof mqttSettings>

/** The same with secrets and certificates read. */
export interface MqttAddress {
  url: string
  username?: string
  password?: string
  ca?: Buffer
  cert?: Buffer
  key?: Buffer
  /** What all this was read from, and reads it again; throws a UsageError where a file does not hold. */
  source?: { files: string[]; read(): MqttAddress }
}

/** Throws a UsageError that names the setting whose file cannot be read. */
export function readPem(file: string, setting: string): Buffer {
  try {
    return readFileSync(file)
  } catch (cause) {
    const problem = { path: setting, found: file, expected: 'a readable PEM file' }
    throw new UsageError(`cannot read ${file}`, [problem], { code: 'secret-unreadable', cause })
  }
}

/** A private key, which other users must not be able to read. Throws a UsageError that names the setting. */
export function readKey(file: string, setting: string): Buffer {
  const pem = readPem(file, setting)
  refuseOpenSecret(file, setting)
  return pem
}

/** MQTT.js refuses these two names together with a certificate. */
const plainNames: Record<string, string> = { 'ssl:': 'mqtts:', 'tcp:': 'mqtt:' }

function plainUrl(url: string): string {
  const scheme = url.slice(0, url.indexOf(':') + 1)
  return (plainNames[scheme] ?? scheme) + url.slice(scheme.length)
}

/** Settings that would be obeyed otherwise than they read: an authority nobody asks, half a certificate. */
function tlsProblems({ url, ca, cert, key }: MqttSettings): Problem[] {
  const secret = /^(mqtts|ssl):/.test(url)
  const unused = !secret && (ca ?? cert ?? key) !== undefined
  return [
    ...(unused ? [{ path: 'url', found: url, expected: 'mqtts://, since ca, cert or key is set' }] : []),
    ...(cert !== undefined && key === undefined ? [missing('key', 'the key of `cert`')] : []),
    ...(cert === undefined && key !== undefined ? [missing('cert', 'the certificate of `key`')] : []),
  ]
}

function missing(path: string, expected: string): Problem {
  return { path, found: 'nothing', expected }
}

/** Throws a UsageError that names the setting whose file cannot be read or used. */
export function readMqttAddress(settings: MqttSettings): MqttAddress {
  const problems = tlsProblems(settings)
  if (problems.length > 0) throw new UsageError('the TLS settings do not fit together', problems)
  const { url, username, passwordFile, ca, cert, key } = settings
  const files = {
    ...(ca !== undefined && { ca: readPem(ca, 'ca') }),
    ...(cert !== undefined && { cert: readPem(cert, 'cert') }),
    ...(key !== undefined && { key: readKey(key, 'key') }),
  }
  checkTls(files, 'cert')
  const named = [ca, cert, key, passwordFile].filter((file) => file !== undefined)
  return {
    url: plainUrl(url),
    ...files,
    ...(named.length > 0 && { source: { files: named, read: () => readMqttAddress(settings) } }),
    ...(username !== undefined && { username }),
    ...(passwordFile !== undefined && { password: readSecret(passwordFile, 'passwordFile') }),
  }
}
