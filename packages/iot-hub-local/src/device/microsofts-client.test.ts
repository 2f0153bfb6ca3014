import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { promisify } from 'node:util'
import { Client, type DeviceMethodRequest, type DeviceMethodResponse, Message, type Twin } from '@azure/iot-device'
import { Mqtt, MqttWs } from 'azure-iot-device-mqtt'
import { describe, expect, it } from 'vitest'
import { until } from '../../../pipeline/testing/index.ts'
import { atEnd, eventsOf, newFolder, openClient, sdkClient, startHub, textOf } from '../../testing/index.ts'
import { makeDeviceCertificate, serverCertificate } from '../core/certificates.ts'
import { makeToken } from '../sas.ts'

const later = () => Math.floor(Date.now() / 1000) + 3600

const report = (twin: Twin, patch: object) =>
  promisify((done: (error?: Error) => void) => twin.properties.reported.update(patch, done))()

describe("Microsoft's device client", () => {
  it('sends with properties, and the built-in endpoint shows them as the real hub does', async () => {
    const hub = await startHub()
    const client = await openClient(hub)
    const message = new Message(JSON.stringify({ a: 1 }))
    message.messageId = 'm1'
    message.correlationId = 'c 1'
    message.contentType = 'application/json'
    message.contentEncoding = 'utf-8'
    message.properties.add('site', 'plant A/1 & $ünïcode')
    await client.sendEvent(message)
    const [event] = await eventsOf(hub.core.events.builtIn)
    const { generationId } = hub.core.registry.get('pi-01')!
    expect(event).toMatchObject({
      partitionKey: 'pi-01',
      properties: { site: 'plant A/1 & $ünïcode' },
      message: { message_id: 'm1', correlation_id: 'c 1', content_type: 'application/json', content_encoding: 'utf-8' },
      annotations: {
        'iothub-connection-device-id': 'pi-01',
        'iothub-connection-auth-generation-id': generationId,
        'iothub-message-source': 'Telemetry',
      },
    })
    expect(textOf(event!)).toBe('{"a":1}')
  })

  it('reads its twin, reports patches, is told desired ones, and what a bad patch was', async () => {
    const hub = await startHub()
    const client = await openClient(hub)
    await hub.core.twins.patch('pi-01', { desired: { window: '1m' }, tags: { hidden: true } })
    const twin = await client.getTwin()
    expect(twin.properties.desired).toMatchObject({ window: '1m', $version: 2 })
    expect(JSON.stringify(twin.properties)).not.toContain('hidden')
    const told: Record<string, unknown>[] = []
    twin.on('properties.desired', (patch: Record<string, unknown>) => told.push(patch))
    await report(twin, { state: { a: 1, b: 2 } })
    await report(twin, { state: { b: null } })
    expect(hub.core.twins.get('pi-01')!.reported).toMatchObject({ values: { state: { a: 1 } }, version: 3 })
    await expect(report(twin, { 'a.b': 1 })).rejects.toThrow('a.b')
    await until(async () => {
      await hub.core.twins.patch('pi-01', { desired: { window: null, lateness: '5s' } })
      return told.some((patch) => patch.window === null)
    })
    expect(told.at(-1)).toMatchObject({ window: null, lateness: '5s' })
    expect(told.at(-1)!.$version).toBeGreaterThan(2)
  })

  it('answers direct methods; who is away, deaf or silent is told apart', async () => {
    const hub = await startHub()
    const call = (name: string, connectTimeoutMs = 0) =>
      hub.core.links.callMethod('pi-01', { name, payload: { a: 1 }, responseTimeoutMs: 500, connectTimeoutMs })
    await expect(call('ping')).rejects.toMatchObject({ code: 404103 })
    const client = await openClient(hub)
    await expect(call('ping')).rejects.toMatchObject({ code: 404103 })
    const waited = call('ping', 20_000)
    client.onDeviceMethod('ping', (request: DeviceMethodRequest, response: DeviceMethodResponse) => {
      response.send(201, { pong: request.payload }).catch(() => undefined)
    })
    client.onDeviceMethod('silent', () => undefined)
    expect(await waited).toEqual({ status: 201, payload: { pong: { a: 1 } } })
    await expect(call('silent')).rejects.toMatchObject({ code: 504101 })
  })

  it('gets what was sent to it while it was away, once, in order and with its properties; the sender hears of it', async () => {
    const hub = await startHub()
    await hub.deviceConnectionString('pi-01')
    for (const text of ['one', 'two']) {
      await hub.core.commands.send('pi-01', {
        body: Buffer.from(text),
        properties: { to: 'relay/1 & 2', none: null },
        message: { message_id: text, content_type: 'text/plain' },
        feedback: text === 'one' ? 'full' : 'none',
      })
    }
    const client = await openClient(hub)
    const received: Message[] = []
    client.on('message', (message: Message) => {
      received.push(message)
      client.complete(message).catch(() => undefined)
    })
    await until(() => received.length === 2 && hub.core.commands.waiting('pi-01') === 0)
    expect(received.map(({ data }) => String(data))).toEqual(['one', 'two'])
    expect(received[0]).toMatchObject({ messageId: 'one', contentType: 'text/plain' })
    expect(received[0]!.properties.getValue('to')).toBe('relay/1 & 2')
    const feedback = await hub.core.commands.feedback(10)
    expect(feedback).toMatchObject([{ originalMessageId: 'one', deviceId: 'pi-01', outcome: 'Success' }])
  })

  it('renews its token again and again without losing a message, a subscription or a method', async () => {
    const hub = await startHub()
    const tokenRenewal = { tokenValidTimeInSeconds: 3, tokenRenewalMarginInSeconds: 2 }
    const string = await hub.deviceConnectionString('pi-01')
    const client = await sdkClient(string, hub.caFile, { options: { tokenRenewal } })
    await client.open()
    client.onDeviceMethod('ping', (_request: DeviceMethodRequest, response: DeviceMethodResponse) => {
      response.send(200, null).catch(() => undefined)
    })
    const connected = new Set<number>()
    const acknowledged: string[] = []
    for (let at = 0; connected.size < 4; at++) {
      await client.sendEvent(new Message(String(at))).then(
        () => acknowledged.push(String(at)),
        () => undefined,
      )
      connected.add(hub.core.links.get('pi-01')?.connectedMs ?? 0)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const call = { name: 'ping', payload: null, responseTimeoutMs: 5000, connectTimeoutMs: 5000 }
    expect(await hub.core.links.callMethod('pi-01', call)).toMatchObject({ status: 200 })
    const stored = new Set((await eventsOf(hub.core.events.builtIn)).map(textOf))
    expect(acknowledged.filter((text) => !stored.has(text))).toEqual([])
    expect(acknowledged.length).toBeGreaterThan(50)
  })

  it('is put out by a second connection of the same device', async () => {
    const hub = await startHub()
    const first = await openClient(hub)
    const lost = new Promise((resolve) => first.on('disconnect', resolve))
    first.setRetryPolicy({ shouldRetry: () => false, nextRetryTimeout: () => 0 })
    const second = await openClient(hub)
    await lost
    await second.sendEvent(new Message('still here'))
    expect(hub.core.links.count()).toBe(1)
  })

  it('comes over WebSocket, and with a certificate of its own', async () => {
    const hub = await startHub()
    const made = makeDeviceCertificate('pi-02', Date.now())
    const x509Thumbprint = { primaryThumbprint: made.thumbprint, secondaryThumbprint: '' }
    await hub.core.registry.create({ deviceId: 'pi-02', authentication: { type: 'selfSigned', x509Thumbprint } })
    const options = { cert: made.cert, key: made.key }
    const x509 = await sdkClient(await hub.deviceConnectionString('pi-02'), hub.caFile, { options })
    await x509.open()
    await x509.sendEvent(new Message('by certificate'))

    const string = (await hub.deviceConnectionString('pi-01')).replace(/localhost:\d+/, 'localhost')
    const agent = new Agent({ ca: readFileSync(hub.caFile) })
    const connect = agent.createConnection.bind(agent)
    agent.createConnection = (options, done) => connect({ ...options, port: hub.ports.https }, done)
    const throughAgent = { transport: MqttWs, options: { mqtt: { webSocketAgent: agent } } }
    const webSocket = await sdkClient(string, hub.caFile, throughAgent)
    await webSocket.open()
    await webSocket.sendEvent(new Message('by WebSocket'))
    expect((await eventsOf(hub.core.events.builtIn)).map(textOf).sort()).toEqual(['by WebSocket', 'by certificate'])
  })
})

describe('a device is refused', () => {
  const refused = async (string: string, caFile: string) => {
    const client = await sdkClient(string, caFile)
    client.setRetryPolicy({ shouldRetry: () => false, nextRetryTimeout: () => 0 })
    await expect(client.open()).rejects.toThrow(/authorized/i)
  }

  it('with a wrong key, an unknown name, when disabled, and when it does not know the authority', async () => {
    const hub = await startHub()
    const good = await hub.deviceConnectionString('pi-01')
    await refused(
      good.replace(/SharedAccessKey=.*/, `SharedAccessKey=${Buffer.alloc(32).toString('base64')}`),
      hub.caFile,
    )
    await refused(good.replace('DeviceId=pi-01', 'DeviceId=pi-09'), hub.caFile)
    const other = serverCertificate({ folder: newFolder(), names: ['localhost'], nowMs: Date.now() })
    await refused(good, other.caFile)
    await hub.core.registry.update({ deviceId: 'pi-01', status: 'disabled' })
    await refused(await hub.deviceConnectionString('pi-01'), hub.caFile)
    expect(hub.core.links.count()).toBe(0)
  })

  it('with an expired token; with a good one of a policy that may connect devices it comes in', async () => {
    const hub = await startHub()
    await hub.deviceConnectionString('pi-01')
    const resource = `localhost:${hub.ports.mqtt}/devices/pi-01`
    const key = Buffer.from('0123456789abcdef').toString('base64')
    const device = await hub.core.registry.update({
      deviceId: 'pi-01',
      authentication: { type: 'sas', symmetricKey: { primaryKey: key, secondaryKey: key } },
    })
    expect(device.status).toBe('enabled')
    const open = async (token: string) => {
      const client = Client.fromSharedAccessSignature(token, Mqtt)
      atEnd(() => client.close().catch(() => undefined))
      await client.setOptions({ ca: readFileSync(hub.caFile, 'utf8') })
      await client.open()
    }
    await open(makeToken({ resource, key, expiresS: later() }))
    await expect(open(makeToken({ resource, key, expiresS: later() - 7200 }))).rejects.toThrow(/authorized/i)
    const policy = hub.core.policies.find(({ name }) => name === 'device')!
    await open(makeToken({ resource, key: policy.primaryKey, expiresS: later(), policy: 'device' }))
    const service = hub.core.policies.find(({ name }) => name === 'service')!
    const asService = makeToken({ resource, key: service.primaryKey, expiresS: later(), policy: 'service' })
    await expect(open(asService)).rejects.toThrow(/authorized/i)
  })
})

it('the certificate is for this machine, signed by an authority that is kept', async () => {
  const options = { folder: newFolder(), names: ['localhost', '127.0.0.1', '::1'], nowMs: Date.now() }
  const first = serverCertificate(options)
  const certificate = new X509Certificate(first.cert)
  expect(certificate.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1')
  expect(certificate.checkIssued(new X509Certificate(first.ca))).toBe(true)
  expect(serverCertificate(options)).toEqual(first)
  const renamed = serverCertificate({ ...options, names: ['localhost', 'hub.lan'] })
  expect([renamed.ca === first.ca, renamed.cert === first.cert]).toEqual([true, false])
  const aged = serverCertificate({ ...options, names: ['localhost', 'hub.lan'], nowMs: Date.now() + 340 * 86_400_000 })
  expect([aged.ca === first.ca, aged.cert === renamed.cert]).toEqual([true, false])
})
