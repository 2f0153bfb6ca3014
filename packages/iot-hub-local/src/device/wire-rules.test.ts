import { systemClock } from '@millrace/pipeline'
import { describe, expect, it } from 'vitest'
import { recordingLogger, until } from '../../../pipeline/testing/index.ts'
import { eventsOf, newHubFolder, startHub, textOf } from '../../testing/index.ts'
import { RawDevice } from '../../testing/raw-device.ts'
import type { LocalHub, LogEvent } from '../index.ts'

const events = 'devices/pi-01/messages/events/'

async function storedEvents(hub: LocalHub, atLeast: number): Promise<LogEvent[]> {
  await until(async () => (await eventsOf(hub.core.events.builtIn)).length >= atLeast, { label: 'the events' })
  return eventsOf(hub.core.events.builtIn)
}

describe('the hub ends the connection of a device that', () => {
  it.each([
    ['publishes with QoS 2', events, 'x', { qos: 2 }],
    ['publishes outside the table', 'telemetry/pi-01', 'x', {}],
    ['publishes for another device', 'devices/pi-02/messages/events/', 'x', {}],
    ['reports without a request id', '$iothub/twin/PATCH/properties/reported/', '{}', {}],
    ['sends a broken property bag', `${events}a=%zz`, 'x', {}],
    ['sends more than 256 KB, properties included', `${events}site=${'x'.repeat(2000)}`, 'x'.repeat(261_000), {}],
    ['sends a packet larger than any message', events, 'x'.repeat(400_000), {}],
  ])('%s', async (...[, topic, payload, rest]) => {
    const hub = await startHub()
    const device = await RawDevice.login(hub)
    device.publish(topic, payload, rest)
    await device.isClosed()
    expect(device.packets.map(({ cmd }) => cmd)).toEqual(['connack'])
    expect(await eventsOf(hub.core.events.builtIn)).toEqual([])
  })

  it('does not speak MQTT, or something else before CONNECT', async () => {
    const hub = await startHub()
    const noise = RawDevice.dial(hub)
    noise.socket.write('GET / HTTP/1.1\r\n\r\n')
    const early = RawDevice.dial(hub).publish(events)
    await Promise.all([noise.isClosed(), early.isClosed()])
  })

  it('outlives its token, and one that is quiet for 1.5 times its keep-alive', async () => {
    let aheadMs = 0
    const clock = { now: () => Date.now() + aheadMs, monotonic: () => performance.now() + aheadMs }
    const hub = await startHub({ clock })
    const nowS = Math.floor(Date.now() / 1000)
    const short = await RawDevice.login(hub, { expiresS: nowS + 600 })
    const quiet = await RawDevice.login(hub, { deviceId: 'pi-02', expiresS: nowS + 36_000, connect: { keepalive: 0 } })
    aheadMs = 605_000
    await short.isClosed()
    expect(quiet.closed).toBe(false)
    aheadMs = 1_800_000
    await quiet.isClosed()
  })
})

describe('a device is not let in', () => {
  it.each([
    ['with MQTT 5', { protocolVersion: 5 }, 1, 'MQTT 3.1.1'],
    ['with another client id', { clientId: 'pi-02' }, 5, 'client id'],
    ['without an api-version', { username: 'localhost/pi-01/' }, 5, 'api-version'],
    ['under another name of the hub', { username: 'other.example/pi-01/?api-version=2021-04-12' }, 5, 'other.example'],
    ['with a password that is no token', { password: Buffer.from('secret') }, 5, 'shared access signature'],
    ['without token and certificate', { password: undefined }, 5, 'thumbprint'],
    [
      'with a will for others',
      { will: { topic: 'alarm', payload: Buffer.from('x'), qos: 0, retain: false } },
      5,
      'will',
    ],
  ])('%s', async (...[, connect, returnCode, told]) => {
    const log = recordingLogger()
    const hub = await startHub({ log })
    const device = await RawDevice.login(hub, { connect })
    expect(device.returnCode).toBe(returnCode)
    await device.isClosed()
    expect(log.lines.map(({ message }) => message).join('\n')).toContain(told)
  })
})

describe('subscriptions', () => {
  it('are for the topics of the table, at QoS 1 at most, and stay with the session', async () => {
    const hub = await startHub()
    const device = await RawDevice.login(hub)
    device.subscribe(
      ['devices/pi-01/messages/devicebound/#', 2],
      ['$iothub/methods/POST/#', 0],
      ['$iothub/twin/res/#', 1],
      ['#', 0],
      ['devices/pi-02/messages/devicebound/#', 1],
    )
    expect((await device.received('suback')).granted).toEqual([1, 0, 1, 0x80, 0x80])
    device.send({ cmd: 'disconnect' })
    await device.isClosed()

    const again = await RawDevice.login(hub)
    expect(again.packets[0]).toMatchObject({ cmd: 'connack', sessionPresent: true })
    again.publish('$iothub/twin/GET/?$rid=7', ' ', { qos: 0 })
    expect(await again.received('publish')).toMatchObject({ topic: '$iothub/twin/res/200/?$rid=7' })
    const clean = await RawDevice.login(hub, { connect: { clean: true } })
    expect(clean.packets[0]).toMatchObject({ cmd: 'connack', sessionPresent: false })
  })

  it('are kept over a restart of the hub', async () => {
    const dataDir = newHubFolder()
    const hub = await startHub({ dataDir })
    const device = await RawDevice.login(hub)
    device.subscribe(['$iothub/twin/res/#', 0])
    await device.received('suback')
    await hub.stop()
    const again = await RawDevice.login(await startHub({ dataDir }))
    expect(again.packets[0]).toMatchObject({ sessionPresent: true })
  })
})

describe('telemetry', () => {
  it('is acknowledged in order of arrival, at QoS 0 not at all, retained ones are marked', async () => {
    const hub = await startHub()
    const device = await RawDevice.login(hub)
    for (let id = 1; id <= 50; id++) device.publish(events, String(id), { messageId: id })
    device.publish(`${events}a=b`, 'quiet', { qos: 0, retain: true })
    await until(() => device.packets.length === 51)
    expect(device.packets.slice(1).map(({ messageId }) => messageId)).toEqual(
      Array.from({ length: 50 }, (_, at) => at + 1),
    )
    const stored = await storedEvents(hub, 51)
    expect(stored.map(textOf).at(-1)).toBe('quiet')
    expect(stored.at(-1)!.properties).toEqual({ a: 'b', 'mqtt-retain': 'true' })
  })

  it('is left by a device that is lost, as its will, and not by one that says goodbye', async () => {
    const hub = await startHub()
    const will = { topic: `${events}reason=gone`, payload: Buffer.from('gone'), qos: 1, retain: false }
    const polite = await RawDevice.login(hub, { connect: { will } })
    polite.send({ cmd: 'disconnect' })
    await polite.isClosed()
    const lost = await RawDevice.login(hub, { connect: { will } })
    lost.socket.destroy()
    const [event, ...others] = await storedEvents(hub, 1)
    expect(others).toEqual([])
    expect(event!.properties).toEqual({ reason: 'gone', 'iothub-MessageType': 'Will' })
  })
})

describe('limits, where they are set', () => {
  it('slow telemetry down, answer twins with 429, and end who goes on all the same', async () => {
    const hub = await startHub({ limits: { telemetryPerSecond: 20, twinPerSecond: 1 } })
    const device = await RawDevice.login(hub)
    device.subscribe(['$iothub/twin/res/#', 0])
    await device.received('suback')
    for (const id of [1, 2, 3, 4]) device.publish(`$iothub/twin/GET/?$rid=${id}`, ' ', { qos: 0 })
    await until(() => device.published().length === 4)
    const statuses = device.published().map(({ topic }) => topic.split('/')[3])
    expect(statuses).toContain('429')
    expect(statuses[0]).toBe('200')
    for (let id = 1; id <= 300; id++) device.publish(events, String(id), { messageId: id })
    await device.isClosed()
    const acknowledged = device.packets.filter(({ cmd }) => cmd === 'puback').length
    const stored = (await eventsOf(hub.core.events.builtIn)).length
    expect(stored).toBeGreaterThanOrEqual(acknowledged)
    expect(stored).toBeLessThan(300)
  })

  it('count the blocks of 4 KB of a day, also over a restart, and begin anew with the next day', async () => {
    const dataDir = newHubFolder()
    let aheadMs = 0
    const clock = { now: () => Date.now() + aheadMs, monotonic: systemClock.monotonic }
    const start = () => startHub({ dataDir, clock, limits: { dailyBlocks: 3 } })
    let hub = await start()
    const first = await RawDevice.login(hub)
    first.publish(events, 'x'.repeat(5000))
    await first.received('puback')
    await hub.stop()
    hub = await start()
    const second = await RawDevice.login(hub)
    second.publish(events, 'third', { messageId: 3 })
    await second.received('puback')
    second.publish(events, 'fourth', { messageId: 4 })
    await second.isClosed()
    aheadMs = 86_400_000
    const third = await RawDevice.login(hub)
    third.publish(events, 'next day')
    await third.received('puback')
    expect((await eventsOf(hub.core.events.builtIn)).map(textOf).slice(1)).toEqual(['third', 'next day'])
  })
})
