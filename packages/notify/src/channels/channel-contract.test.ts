import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { testChannel } from '../../testing/channel-contract.ts'
import type { FarSide } from '../../testing/far-side.ts'
import { HttpFarSide } from '../../testing/http-far-side.ts'
import { MqttFarSide } from '../../testing/mqtt-far-side.ts'
import { SmtpFarSide } from '../../testing/smtp-far-side.ts'
import { channels } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'notify-channels-'))
afterAll(() => rmSync(folder, { recursive: true }))

function secretFile(name: string, secret: string): string {
  const file = join(folder, name)
  writeFileSync(file, `${secret}\n`, { mode: 0o600 })
  return file
}

/** The far side with what a test needs to know of it. */
function as<Far extends object>(far: Far, what: Pick<FarSide, 'settings' | 'secrets'>): Far & typeof what {
  return Object.assign(far, what)
}

async function webhook(): Promise<FarSide> {
  const far = new HttpFarSide()
  await far.up()
  const files = { secretFile: secretFile('hmac', 'hmac-secret'), tokenFile: secretFile('token', 'bearer-secret') }
  const settings = { type: 'webhook', url: `http://127.0.0.1:${far.port}/hook`, ...files }
  return as(far, { settings, secrets: ['hmac-secret', 'bearer-secret'] })
}

function chat(type: string) {
  return async (): Promise<FarSide> => {
    const far = new HttpFarSide()
    await far.up()
    const url = `http://127.0.0.1:${far.port}/services/T0/very-secret?sig=also-secret`
    const settings = { type, urlFile: secretFile(`url-${far.port}`, url) }
    return as(far, { settings, secrets: ['very-secret', 'also-secret'] })
  }
}

async function email(): Promise<FarSide> {
  const far = new SmtpFarSide({ user: 'mill', password: 'smtp-secret' })
  await far.up()
  const login = { user: 'mill', passwordFile: secretFile('smtp', 'smtp-secret') }
  const people = { from: 'Millrace <mill@example.org>', to: ['a@example.org'] }
  const settings = { type: 'email', host: '127.0.0.1', port: far.port, tls: 'none', ...login, ...people }
  return as(far, { settings, secrets: ['smtp-secret'] })
}

async function mqtt(): Promise<FarSide> {
  const far = new MqttFarSide()
  await far.up()
  const login = { username: 'mill', passwordFile: secretFile('mqtt', 'mqtt-secret') }
  const settings = { type: 'mqtt', url: far.url, topic: 'alerts/{site}/{device}', ...login }
  return as(far, { settings, secrets: ['mqtt-secret'] })
}

async function log(): Promise<FarSide & { log: [] }> {
  const nothing = () => Promise.resolve()
  const none = { received: [], behave: () => undefined, down: nothing, up: nothing, close: nothing, secrets: [] }
  return { settings: { type: 'log' }, log: [], ...none }
}

const suites: Record<string, () => void> = {
  log: () => testChannel(log, { cannotRefuse: 'it is this process', neverAway: 'it is this process' }),
  mqtt: () => testChannel(mqtt, { cannotRefuse: 'MQTT 3.1.1 has no refusal of a publish' }),
  webhook: () => testChannel(webhook),
  email: () => testChannel(email),
  slack: () => testChannel(chat('slack')),
  teams: () => testChannel(chat('teams')),
}

for (const [type, suite] of Object.entries(suites)) describe(`the channel ${type}`, suite)

it('every channel passes the suite', () => {
  expect(Object.keys(suites).sort()).toEqual([...channels.types].sort())
})
