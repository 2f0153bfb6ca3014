import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Delivery, type Message, systemClock, UsageError } from '@millrace/pipeline'
import { recordingLogger, until } from '@millrace/pipeline/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Authority, type CertificateFiles } from '../../testing/certificates.ts'
import { startMosquitto } from '../../testing/mosquitto.ts'
import { brokerSource } from './broker-source.ts'
import { createMqttLink, type MqttLink } from './link.ts'
import { mqttSettings, readMqttAddress } from './settings.ts'

let folder: string
let ours: Authority
let theirs: Authority
let server: CertificateFiles
const stops: (() => Promise<void>)[] = []

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-tls-'))
  ours = new Authority(folder, 'ours')
  theirs = new Authority(folder, 'theirs')
  server = ours.issue('server')
})
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})
afterAll(() => rmSync(folder, { recursive: true }))

async function link(port: number, settings: object, clientId = 'd1'): Promise<MqttLink> {
  const address = readMqttAddress(mqttSettings.parse({ url: `mqtts://127.0.0.1:${port}`, ...settings }))
  const made = createMqttLink({ ...address, clientId })
  stops.push(() => made.stop())
  await made.start()
  return made
}

async function failureOf(made: MqttLink): Promise<string> {
  return (await until(() => made.lastError, { label: 'a refusal' })) ?? ''
}

const reading: Message = { topic: 'telemetry/hall/d1', body: Buffer.from('{"readings":{"temperature":20}}') }

describe("the agent's own broker with client certificates", () => {
  async function listen(settings: object = {}) {
    const log = recordingLogger()
    let port = 0
    const taken: Delivery['messages'][number][] = []
    const parsed = brokerSource.settings.parse({ port: 0, ...server, ca: ours.file, ...settings })
    const listening = (address: { port: number }) => {
      port = address.port
    }
    const source = await brokerSource.create(parsed, { clock: systemClock, log, listening })
    stops.push(() => source.stop())
    await source.start(({ messages, ack }) => {
      taken.push(...messages)
      ack()
    })
    return { port, taken, log }
  }

  it('takes the readings of the device that the certificate names, and of no other', async () => {
    const { port, taken } = await listen()
    const device = await link(port, { ...ours.issue('d1'), ca: ours.file })
    await device.publish(reading)
    expect(taken).toMatchObject([{ topic: 'telemetry/hall/d1' }])
    device.publish({ ...reading, topic: 'telemetry/hall/d2' }).catch(() => undefined)
    await until(() => !device.connected, { label: 'the end of the connection' })
    expect(taken).toHaveLength(1)
  })

  it('refuses a client id or a user name of somebody else', async () => {
    const { port } = await listen()
    const files = { ...ours.issue('d1'), ca: ours.file }
    expect(await failureOf(await link(port, files, 'd2'))).toContain('Not authorized')
    expect(await failureOf(await link(port, { ...files, username: 'd2' }))).toContain('Not authorized')
  })

  it('refuses expired and foreign certificates and none at all, in plain words on both sides', async () => {
    const { port, log } = await listen()
    const refused = () => log.lines.filter(({ message }) => message === 'TLS connection refused')
    const reasons = () => refused().map(({ fields }) => String(fields.reason))
    const cases: [object, RegExp, string][] = [
      [ours.issue('d1', 0), /may not trust our certificate/, "the other side's certificate has expired"],
      [theirs.issue('d1'), /may not trust our certificate/, 'an authority that `ca` does not hold'],
      [{}, /closed the connection without an answer|no client certificate/, 'no client certificate was shown'],
    ]
    for (const [files, here, there] of cases) {
      const device = await link(port, { ...files, ca: ours.file })
      expect(await failureOf(device)).toMatch(here)
      await device.stop()
      await until(() => reasons().some((reason) => reason.includes(there)), { label: there })
    }
  })

  it('is not believed by a client that trusts another authority', async () => {
    const { port } = await listen()
    const device = await link(port, { ...ours.issue('d1'), ca: theirs.file })
    expect(await failureOf(device)).toContain('signed by an authority that `ca` does not hold')
  })

  it('lets devices without a certificate in on their credentials where none is required', async () => {
    const { port, taken } = await listen({ requireCertificate: false })
    const device = await link(port, { ca: ours.file })
    await device.publish(reading)
    expect(taken).toHaveLength(1)
  })
})

describe('a real Mosquitto that requires a certificate and a password', () => {
  async function mosquitto() {
    const passwords = join(folder, 'passwords')
    execFileSync('mosquitto_passwd', ['-b', '-c', passwords, 'pi-1', 'a long secret'], { stdio: 'ignore' })
    const files = [`cafile ${ours.file}`, `certfile ${server.cert}`, `keyfile ${server.key}`, 'user root']
    const rules = ['require_certificate true', 'allow_anonymous false', `password_file ${passwords}`]
    const started = await startMosquitto(folder, [...files, ...rules])
    stops.push(started.stop)
    return started.port
  }

  function login(secret: string) {
    const passwordFile = join(folder, `password-${secret.length}`)
    writeFileSync(passwordFile, `${secret}\n`, { mode: 0o600 })
    return { username: 'pi-1', passwordFile, ca: ours.file }
  }

  it('is reached with authority, certificate, user and password file', async () => {
    const port = await mosquitto()
    const uplink = await link(port, { ...ours.issue('pi-1'), ...login('a long secret') })
    await uplink.publish(reading)
    expect(uplink.connected).toBe(true)
  })

  it('refuses an expired certificate, a foreign one, none, and a wrong password, each in plain words', async () => {
    const port = await mosquitto()
    const good = login('a long secret')
    const cases: [object, string][] = [
      [{ ...ours.issue('pi-1', 0), ...good }, 'our certificate has expired'],
      [{ ...theirs.issue('pi-1'), ...good }, 'does not trust our certificate'],
      [good, 'no client certificate was shown'],
      [{ ...ours.issue('pi-1'), ...login('wrong') }, 'Not authorized'],
      [{ ...ours.issue('pi-1'), ...good, ca: theirs.file }, 'an authority that `ca` does not hold'],
    ]
    for (const [settings, text] of cases) {
      const refused = await link(port, settings, 'pi-1')
      expect(await failureOf(refused)).toContain(text)
      await refused.stop()
    }
  })
})

describe('TLS settings', () => {
  const read = (settings: object) => () => readMqttAddress(mqttSettings.parse(settings))

  it('are refused where they would be obeyed otherwise than they read', () => {
    const device = ours.issue('d1')
    expect(read({ url: 'mqtt://127.0.0.1', ca: ours.file })).toThrow(UsageError)
    expect(read({ url: 'mqtts://127.0.0.1', cert: device.cert })).toThrow('do not fit together')
    expect(read({ url: 'mqtts://127.0.0.1', cert: device.cert, key: server.key })).toThrow('cannot be used')
    expect(read({ url: 'ssl://127.0.0.1', ...device })().url).toBe('mqtts://127.0.0.1')
  })

  it('demand a key that nobody else can read', () => {
    const device = ours.issue('open')
    execFileSync('chmod', ['644', device.key])
    expect(read({ url: 'mqtts://127.0.0.1', ...device })).toThrow('cannot be used')
  })
})
