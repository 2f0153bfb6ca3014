import { readFileSync } from 'node:fs'
import { readSecret, UsageError } from '@millrace/pipeline'
import { z } from 'zod'

/** How to reach an MQTT broker, as it stands in config files. */
export const mqttSettings = z.object({
  url: z.url({ protocol: /^(mqtt|mqtts|tcp|ssl)$/, hostname: /.+/ }),
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

/** Throws a UsageError that names the setting whose file cannot be read. */
export function readMqttAddress(settings: MqttSettings): MqttAddress {
  const { url, username, passwordFile, ca, cert, key } = settings
  return {
    url,
    ...(username !== undefined && { username }),
    ...(passwordFile !== undefined && { password: readSecret(passwordFile, 'passwordFile') }),
    ...(ca !== undefined && { ca: readPem(ca, 'ca') }),
    ...(cert !== undefined && { cert: readPem(cert, 'cert') }),
    ...(key !== undefined && { key: readPem(key, 'key') }),
  }
}
