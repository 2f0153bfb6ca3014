import { randomUUID } from 'node:crypto'
import { EventHubConsumerClient, earliestEventPosition, type ReceivedEventData } from '@azure/event-hubs'
import {
  type Client as DeviceClient,
  Message as DeviceMessage,
  type DeviceMethodRequest,
  type Message,
  type Twin,
} from '@azure/iot-device'
import { until } from '@millrace/pipeline/testing'
import { Client, Registry, type Twin as ServiceTwin } from 'azure-iothub'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { atEnd, openClient, startHub } from '../../testing/index.ts'
import type { LocalHub } from '../local-hub.ts'
import { onPort, trust } from './testing/azure.ts'

const soon = { withinMs: 20_000 }

let hub: LocalHub
let service: Client
let registry: Registry

beforeEach(async () => {
  hub = await startHub({ partitions: 2 })
  trust(hub.caFile)
  const key = hub.connectionStrings.iothubowner.replace(/^HostName=[^;]+/, '')
  registry = onPort(Registry.fromConnectionString(`HostName=localhost${key}`), hub.ports.https)
  service = onPort(Client.fromConnectionString(`HostName=localhost:${hub.ports.amqps}${key}`), hub.ports.https)
})

afterEach(() => service.close().catch(() => undefined))

const outcome = (attempt: Promise<unknown>) =>
  attempt.then(
    () => undefined,
    (error: Error & { responseBody?: string }) => error,
  )

describe('the sample of a simple device', () => {
  it('sends messages that a program reading the built-in endpoint receives', async () => {
    const device = await openClient(hub)
    const read: ReceivedEventData[] = []
    const consumer = new EventHubConsumerClient('$Default', hub.connectionStrings.eventHub)
    atEnd(() => consumer.close())
    consumer.subscribe(
      {
        processEvents: async (events) => {
          read.push(...events)
        },
        processError: async () => undefined,
      },
      { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1, maxBatchSize: 10 },
    )
    for (const windSpeed of [10, 12, 14]) {
      const message = new DeviceMessage(JSON.stringify({ deviceId: 'pi-01', windSpeed }))
      message.properties.add('temperatureAlert', windSpeed > 12 ? 'true' : 'false')
      message.contentType = 'application/json'
      message.contentEncoding = 'utf-8'
      message.messageId = `wind-${windSpeed}`
      await device.sendEvent(message)
    }
    await until(() => read.length === 3, soon)
    expect(read.map(({ body }) => body.windSpeed)).toEqual([10, 12, 14])
    expect(read[2]).toMatchObject({
      messageId: 'wind-14',
      contentType: 'application/json',
      properties: { temperatureAlert: 'true' },
      systemProperties: {
        'iothub-connection-device-id': 'pi-01',
        'iothub-message-source': 'Telemetry',
        'iothub-connection-auth-method':
          '{"scope":"device","type":"sas","issuer":"iothub","acceptingIpFilterRule":null}',
        contentEncoding: 'utf-8',
      },
    })
    const { 'iothub-enqueuedtime': enqueued, 'iothub-connection-auth-generation-id': generation } =
      read[2]!.systemProperties!
    expect(Math.abs(Number(enqueued) - Date.now())).toBeLessThan(60_000)
    expect(generation).toBe(hub.core.registry.get('pi-01')!.generationId)
  })
})

describe('the sample of cloud-to-device messages', () => {
  it('sends to a device, also one that comes later, and hears what became of it', async () => {
    await hub.deviceConnectionString('pi-01')
    const told: { originalMessageId: string; statusCode: string }[] = []
    await service.open()
    const { result: feedback } = (await service.getFeedbackReceiver())!
    feedback.on('message', (message: Message) => told.push(...JSON.parse(message.getData().toString())))
    const command = new DeviceMessage('{"led":"on"}')
    Object.assign(command, { ack: 'full', messageId: randomUUID(), expiryTimeUtc: Date.now() + 600_000 })
    command.properties.add('urgent', 'yes')
    await service.send('pi-01', command as never)
    const device = await openClient(hub)
    const taken: Message[] = []
    device.on('message', (message: Message) => {
      taken.push(message)
      device.complete(message, () => undefined)
    })
    await until(() => taken.length === 1 && told.length === 1, soon)
    expect(taken[0]!.getData().toString()).toBe('{"led":"on"}')
    expect(taken[0]!.messageId).toBe(command.messageId)
    expect(taken[0]!.properties.propertyList).toContainEqual({ key: 'urgent', value: 'yes' })
    expect(told[0]).toMatchObject({ originalMessageId: command.messageId, statusCode: 'Success', deviceId: 'pi-01' })
  })

  it('fails for a device that is not there, and when too many wait', async () => {
    await service.open()
    const message = new DeviceMessage('x') as never
    expect((await outcome(service.send('nobody', message)))!.name).toBe('DeviceNotFoundError')
    await hub.deviceConnectionString('pi-01')
    await Promise.all(Array.from({ length: 50 }, () => service.send('pi-01', message)))
    expect((await outcome(service.send('pi-01', message)))!.name).toBe('DeviceMaximumQueueDepthExceededError')
  })
})

const twinOf = (device: DeviceClient) => device.getTwin() as Promise<Twin>

describe('the sample of a device twin', () => {
  it('a service desires, the device hears it and reports, the service reads it', async () => {
    const device = await openClient(hub)
    const twin = await twinOf(device)
    const heard: Record<string, unknown>[] = []
    twin.on('properties.desired', (delta: Record<string, unknown>) => heard.push(delta))
    const { responseBody: served } = await registry.getTwin('pi-01')
    await served.update({ properties: { desired: { climate: { minTemperature: 68 } } } })
    await until(() => heard.some((delta) => 'climate' in delta), soon)
    expect(twin.properties.desired.climate).toEqual({ minTemperature: 68 })
    await new Promise<void>((resolve, reject) => {
      twin.properties.reported.update({ firmware: '1.2.1' }, (error: Error) => (error ? reject(error) : resolve()))
    })
    await until(async () => {
      const { responseBody } = (await registry.getTwin('pi-01')) as { responseBody: ServiceTwin }
      return responseBody.properties.reported.firmware === '1.2.1'
    }, soon)
    const { result } = await registry
      .createQuery("SELECT * FROM devices WHERE properties.reported.firmware = '1.2.1'")
      .nextAsTwin()
    expect(result).toHaveLength(1)
  })
})

describe('the sample of direct methods', () => {
  const call = (methodName: string, more = {}) => service.invokeDeviceMethod('pi-01', { methodName, ...more })

  it('calls a method and gets what the device answered', async () => {
    const device = await openClient(hub)
    const payloads: unknown[] = []
    device.onDeviceMethod('lockDoor', (request: DeviceMethodRequest, response) => {
      payloads.push(request.payload)
      response.send(200, { locked: true }, () => undefined)
    })
    await until(async () => (await outcome(call('lockDoor', { payload: { in: 5 } }))) === undefined, soon)
    const { result } = await call('lockDoor', { payload: { in: 7 }, responseTimeoutInSeconds: 10 })
    expect(result).toEqual({ status: 200, payload: { locked: true } })
    expect(payloads.at(-1)).toEqual({ in: 7 })
  })

  it('fails at once for a device that is away, or not there', async () => {
    const absent = (await outcome(call('lockDoor')))!
    expect(absent.name).toBe('DeviceNotFoundError')
    await hub.deviceConnectionString('pi-01')
    const away = (await outcome(call('lockDoor')))!
    expect(away.responseBody).toContain('DeviceNotOnline')
    const short = (await outcome(call('lockDoor', { responseTimeoutInSeconds: 1 })))!
    expect(short.name).toBe('ArgumentError')
  })
})
