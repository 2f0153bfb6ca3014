import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { type Source, systemClock } from '@millrace/pipeline'
import { recordingLogger, until } from '@millrace/pipeline/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Authority, type CertificateFiles } from '../../testing/certificates.ts'
import { brokerSource } from './broker-source.ts'
import { createMqttLink, type MqttLink } from './link.ts'
import { mqttSettings, readMqttAddress } from './settings.ts'

const hourMs = 3_600_000
let folder: string
let ours: Authority
let theirs: Authority
const stops: (() => Promise<void> | void)[] = []

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-certificates-'))
  ours = new Authority(folder, 'ours')
  theirs = new Authority(folder, 'theirs')
})
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})
afterAll(() => rmSync(folder, { recursive: true }))

/** A pair of files that can be replaced, as those who renew certificates do. */
function place(name: string, files: CertificateFiles): CertificateFiles {
  const placed = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) }
  for (const which of ['cert', 'key'] as const) {
    copyFileSync(files[which], `${placed[which]}.new`)
    renameSync(`${placed[which]}.new`, placed[which])
  }
  return placed
}

const lasting = (name: string, forMs = hourMs) => ours.issueBetween(name, Date.now() - hourMs, Date.now() + forMs)

interface Listener {
  source: Source
  port: number
  log: ReturnType<typeof recordingLogger>
  taken: string[]
}

async function listen(server: CertificateFiles, settings: object = {}): Promise<Listener> {
  const log = recordingLogger()
  let port = 0
  const taken: string[] = []
  const parsed = brokerSource.settings.parse({ port: 0, ...server, ca: ours.file, ...settings })
  const listening = (address: { port: number }) => {
    port = address.port
  }
  const source = await brokerSource.create(parsed, { clock: systemClock, log, listening })
  stops.push(() => source.stop())
  await source.start(({ messages, ack }) => {
    taken.push(...messages.map(({ body }) => Buffer.from(body).toString()))
    ack()
  })
  return { source, port, log, taken }
}

async function link(port: number, files: CertificateFiles, log = recordingLogger()): Promise<MqttLink> {
  const address = readMqttAddress(mqttSettings.parse({ url: `mqtts://127.0.0.1:${port}`, ...files, ca: ours.file }))
  const made = createMqttLink({ ...address, clientId: 'd1', log })
  stops.push(() => made.stop())
  await made.start()
  return made
}

const publish = (made: MqttLink, text: string) => made.publish({ topic: 'telemetry/hall/d1', body: Buffer.from(text) })

/** The serial number of the certificate that the listener shows to a new connection. */
async function shownBy(port: number, files: CertificateFiles): Promise<string> {
  const { ca, cert, key } = readMqttAddress(mqttSettings.parse({ url: 'mqtts://127.0.0.1', ...files, ca: ours.file }))
  const socket: TLSSocket = connectTls({ port, host: '127.0.0.1', ca: ca!, cert: cert!, key: key! })
  socket.on('error', () => undefined)
  try {
    return await until(() => socket.getPeerCertificate()?.serialNumber, { label: 'a certificate' })
  } finally {
    socket.destroy()
  }
}

describe("a listener's certificate", () => {
  it('is renewed while it listens: those connected stay, new ones see the new one, nothing is lost', async () => {
    const server = place('server', lasting('server'))
    const { source, port, log, taken } = await listen(server)
    const device = lasting('d1')
    const connected = await link(port, device)
    let lost = 0
    connected.onLost(() => lost++)
    await publish(connected, 'before')
    const before = await shownBy(port, device)
    const firstEnd = source.state?.().certificates?.[0]?.notAfterMs
    place('server', lasting('server', 2 * hourMs))
    await until(async () => (await shownBy(port, device)) !== before, { withinMs: 20_000 })
    await publish(connected, 'after')
    expect({ taken, lost }).toEqual({ taken: ['before', 'after'], lost: 0 })
    expect(source.state?.().certificates?.[0]?.notAfterMs).toBeGreaterThan(firstEnd!)
    expect(log.lines.some(({ message }) => message.includes('are in use'))).toBe(true)
  })

  it('stays in use where the new files do not fit together, until they do', async () => {
    const server = place('half', lasting('server'))
    const { port, log } = await listen(server)
    const device = lasting('d1')
    const before = await shownBy(port, device)
    const next = lasting('server')
    copyFileSync(next.cert, server.cert)
    await until(() => log.lines.some(({ message }) => message.includes('the former stay')), { withinMs: 20_000 })
    expect(await shownBy(port, device)).toBe(before)
    copyFileSync(next.key, server.key)
    await until(async () => (await shownBy(port, device)) !== before, { withinMs: 20_000 })
  })

  it.each([
    [29, 'this certificate expires soon'],
    [6, 'this certificate expires soon'],
    [-0.01, 'this certificate has expired: the other side will refuse it'],
  ])('that ends in %d days is told of in the log, once', async (days, message) => {
    const { log } = await listen(ours.issueBetween('server', Date.now() - 2 * hourMs, Date.now() + days * 24 * hourMs))
    expect(log.lines.filter((line) => line.message === message).length).toBe(1)
  })
})

describe('authorities and their lists', () => {
  const together = (name: string, files: string[]): string => {
    const file = join(folder, name)
    writeFileSync(file, files.map((one) => readFileSync(one, 'utf8')).join(''))
    return file
  }

  it('may be several in one file: the devices of each are let in, and what each has revoked is not', async () => {
    const [good, bad] = [theirs.issue('d1'), theirs.issueBetween('d1', Date.now() - hourMs, Date.now() + hourMs)]
    const crl = together('both.crl', [ours.revoke(), theirs.revoke(bad)])
    const { port, log, taken } = await listen(lasting('server'), {
      ca: together('both.crt', [ours.file, theirs.file]),
      crl,
    })
    await publish(await link(port, good), 'of the second')
    const refused = await link(port, bad)
    await until(() => log.lines.some(({ fields }) => String(fields.reason).includes('has been revoked')))
    expect(refused.connected).toBe(false)
    expect(taken).toEqual(['of the second'])
  })

  it.each([
    ['empty', ''],
    ['cut off', readCutOff],
    ['something else', 'no certificate'],
  ])('that are %s while they are renewed are not used: the former stay, and so does everybody', async (_name, text) => {
    const ca = together('renewed.crt', [ours.file])
    const { port, log } = await listen(lasting('server'), { ca })
    const device = await link(port, lasting('d1'))
    let lost = 0
    device.onLost(() => lost++)
    await publish(device, 'before')
    writeFileSync(ca, typeof text === 'string' ? text : text())
    await until(() => log.lines.some(({ message }) => message.includes('the former stay')), { withinMs: 20_000 })
    await publish(device, 'after')
    expect(lost).toBe(0)
    await device.stop()
    await publish(await link(port, lasting('d1')), 'another')
  })

  it('that change end the connections that have not shown their certificate yet', async () => {
    const crl = ours.revoke()
    const { port } = await listen(lasting('server'), { crl, limits: { connectTimeoutMs: 120_000 } })
    const raw = connect(port, '127.0.0.1')
    let closed = false
    raw
      .on('error', () => undefined)
      .on('close', () => {
        closed = true
      })
    await until(() => raw.readyState === 'open')
    ours.revoke(lasting('d1'))
    await until(() => closed, { withinMs: 20_000 })
  })
})

function readCutOff(): string {
  return readFileSync(ours.file, 'utf8').slice(0, 300)
}

describe('connections to a TLS listener', () => {
  it('are limited in number before their handshake', async () => {
    const { source, port } = await listen(lasting('server'), { limits: { maxConnectionsPerAddress: 3 } })
    let closed = 0
    const raws = Array.from({ length: 8 }, () => connect(port, '127.0.0.1'))
    for (const raw of raws) raw.on('error', () => undefined).on('close', () => closed++)
    await until(() => closed === 5)
    expect(source.state?.()).toMatchObject({ connections: 3, denied: { 'too-many-connections': 5 } })
    for (const raw of raws) raw.destroy()
    await until(() => source.state?.().connections === 0)
    const device = await link(port, lasting('d1'))
    await publish(device, 'afterwards')
    await device.stop()
    await until(() => source.state?.().connections === 0)
  })
})

describe("a device's certificate", () => {
  it.each([
    ['names nobody', '/O=a factory'],
    ['names two', '/CN=d1/CN=d2'],
  ])('that %s is of no device, and opens nothing', async (_name, subject) => {
    const { source, port } = await listen(lasting('server'))
    const refused = await link(port, ours.issueTo(subject, { name: subject.length.toString() }))
    expect(await until(() => refused.lastError)).toContain('Not authorized')
    expect(source.state?.().denied).toEqual({ 'not-authorized': 1 })
  })

  it.each([
    ['is not valid yet', () => ours.issueBetween('d1', Date.now() + hourMs, Date.now() + 2 * hourMs), 'not valid yet'],
    ['has expired', () => ours.issueBetween('d1', Date.now() - 2 * hourMs, Date.now() - hourMs), 'has expired'],
    ['is of another authority', () => theirs.issue('d1'), '`ca` does not hold'],
  ])('that %s is refused, and the reason is in the log', async (_name, files, reason) => {
    const { source, port, log } = await listen(lasting('server'))
    const refused = await link(port, files())
    await until(() => refused.lastError)
    expect(refused.connected).toBe(false)
    const reasons = log.lines.filter(({ message }) => message === 'TLS connection refused')
    expect(String(reasons.at(-1)?.fields.reason)).toContain(reason)
    expect(source.state?.().denied?.tls).toBeGreaterThan(0)
  })

  it('that is revoked while it is connected loses its connection, and no other does for long', async () => {
    const [good, bad] = [lasting('d1'), lasting('d1')]
    const crl = ours.revoke()
    const { port, log, taken } = await listen(lasting('server'), { crl })
    const revoked = await link(port, bad)
    await publish(revoked, 'before')
    ours.revoke(bad)
    await until(() => !revoked.connected && revoked.lastError, { withinMs: 20_000, label: 'the end of its connection' })
    await until(() => log.lines.some(({ fields }) => String(fields.reason).includes('has been revoked')))
    const other = await link(port, good)
    await publish(other, 'another')
    expect(taken).toEqual(['before', 'another'])
  })

  it('that was replaced between the reading of its files and the first connection is used', async () => {
    const { port } = await listen(lasting('server'))
    const files = place('early', lasting('d1'))
    const address = readMqttAddress(mqttSettings.parse({ url: `mqtts://127.0.0.1:${port}`, ...files, ca: ours.file }))
    const made = createMqttLink({ ...address, clientId: 'd1' })
    stops.push(() => made.stop())
    const endMs = made.certificates[0]!.notAfterMs
    place('early', lasting('d1', 2 * hourMs))
    await made.start()
    await until(() => made.certificates[0]!.notAfterMs > endMs, { withinMs: 20_000 })
  })

  it('of twelve seconds is replaced in time: the link goes on with the new one and nothing is lost', async () => {
    const { port, taken } = await listen(lasting('server'))
    const files = place('d1', lasting('d1', 12_000))
    const log = recordingLogger()
    const made = await link(port, files, log)
    await publish(made, 'first')
    const sent = Array.from({ length: 50 }, (_, n) => publish(made, `${n}`))
    const endMs = made.certificates[0]!.notAfterMs
    place('d1', lasting('d1'))
    await until(() => made.certificates[0]!.notAfterMs > endMs, { withinMs: 20_000 })
    await Promise.all(sent)
    await until(() => Date.now() > endMs && made.connected, { withinMs: 20_000, label: 'the end of the first' })
    await publish(made, 'last')
    expect(new Set(taken).size).toBe(52)
  })
})
