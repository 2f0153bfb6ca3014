import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { deviceMessageSchema } from '@millrace/contracts'
import { type LocalHub, type LogEvent, startLocalHub } from '@millrace/iot-hub-local'
import { checkConfig, silentLogger, systemClock, type UsageError } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { deviceConnectionFile, writeConnectionFolder } from '@millrace/transports'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { printRecount } from './print-recount.ts'
import type { SentMessage } from './sent-message.ts'
import { type Settings, settingsSchema } from './settings.ts'
import { registerDevices, startFleet } from './start-fleet.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-simulate-hub-'))
const connections = join(folder, 'connections')
const ledger = join(folder, 'ledger')
let hub: LocalHub

const sensors = [{ type: 'temperature' }, { type: 'humidity' }]
const names = ['one', 'two']
const fleet = {
  sites: ['north', 'south'].map((site) => ({
    site,
    devices: names.map((device) => ({ device, every: '1s', sensors })),
  })),
}

const settingsOf = (changes: Record<string, unknown> = {}): Settings =>
  checkConfig(
    { fleet: join(folder, 'fleet.yaml'), iotHub: connections, ledger, ...changes },
    settingsSchema,
    'the test',
  )

beforeAll(async () => {
  writeFileSync(join(folder, 'fleet.yaml'), stringify(fleet))
  const anyPort = { mqtt: 0, https: 0, amqp: 0, amqps: 0 }
  const about = { clock: systemClock, log: silentLogger }
  hub = await startLocalHub({ dataDir: join(folder, 'hub'), ports: anyPort, ...about })
  const { core, connectionStrings, ports } = hub
  const { eventHub, iothubowner: service } = connectionStrings
  const doors = { gateway: `localhost:${ports.mqtt}`, https: ports.https }
  writeConnectionFolder(connections, { authority: core.certificate.ca, eventHub, service, devices: new Map(), doors })
})

afterAll(async () => {
  await hub?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const problemsOf = async (attempt: Promise<unknown>) => {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return (error as UsageError).problems
}

it('a fleet that is not registered is refused with the names of its devices', async () => {
  const [problem] = await problemsOf(startFleet(settingsOf(), { log: silentLogger, print: () => undefined }))
  expect(problem).toMatchObject({ path: 'iotHub' })
  expect(problem!.found).toContain('north:one')
  expect(problem!.expected).toContain('--register')
})

it('registers the fleet in bulk, each device once, and leaves its connection strings to nobody else', async () => {
  expect(await registerDevices(settingsOf())).toContain('4 devices are made, 0 were known')
  expect(hub.core.registry.list().map(({ deviceId }) => deviceId)).toEqual(
    expect.arrayContaining(['north:one', 'north:two', 'south:one', 'south:two']),
  )
  expect(await registerDevices(settingsOf({ devices: 6 }))).toContain('2 devices are made, 4 were known')
  expect(statSync(deviceConnectionFile(connections, 'south:two')).mode & 0o777).toBe(0o600)
})

it('names the file where the hub refuses the key', async () => {
  const other = join(folder, 'other')
  const service = 'HostName=localhost;SharedAccessKeyName=iothubowner;SharedAccessKey=bm90IHRoZSBrZXkgYXQgYWxsISEhIQ=='
  const doors = { https: hub.ports.https }
  const authority = hub.core.certificate.ca
  writeConnectionFolder(other, { authority, eventHub: 'none', service, devices: new Map(), doors })
  const [problem] = await problemsOf(registerDevices(settingsOf({ iotHub: other })))
  expect(problem!.path).toContain('service.connection')
})

async function eventsOf({ core }: LocalHub): Promise<LogEvent[]> {
  const { builtIn } = core.events
  const partitions = Array.from({ length: builtIn.partitions }, (_none, partition) => partition)
  const read = (partition: number) => builtIn.read(partition, 0, { events: 100_000, bytes: 64 * 1024 * 1024 })
  return (await Promise.all(partitions.map(read))).flat()
}

/** Readings by device, time and metric; the same message may have come twice. */
function readingsOf(events: readonly LogEvent[]): Map<string, number> {
  const found = new Map<string, number>()
  for (const { body, properties } of events) {
    const value = deviceMessageSchema.parse(JSON.parse(Buffer.from(body).toString('utf8')))
    for (const { ts, readings } of [value].flat()) {
      for (const [metric, reading] of Object.entries(readings)) {
        found.set(`${properties.site}/${properties.device}/${ts}/${metric}`, Number(reading))
      }
    }
  }
  return found
}

async function recounted(): Promise<{ readings: Map<string, number>; acked: number }> {
  const out = new PassThrough()
  const [, printed] = await Promise.all([printRecount(ledger, out).finally(() => out.end()), text(out)])
  const readings = new Map<string, number>()
  let acked = 0
  for (const line of printed.trim().split('\n')) {
    const message = JSON.parse(line) as SentMessage | { end: true }
    if ('end' in message || !message.acked) continue
    acked++
    for (const [metric, value] of Object.entries(message.readings)) {
      readings.set(`${message.site}/${message.device}/${message.ts}/${metric}`, value)
    }
  }
  return { readings, acked }
}

it('what the ledger shows as acknowledged is what the hub holds, though connections end in between', async () => {
  const settings = settingsOf({ history: '10m', perturb: { duplicate: 0.05, 'out-of-order': 0.05 } })
  const running = await startFleet(settings, {
    log: silentLogger,
    print: () => undefined,
  })
  const connected = () => hub.core.links.count()
  await until(() => connected() === 4, { withinMs: 30_000, label: 'a connection of each device' })
  hub.core.links.disconnect('north:one', 'the test')
  hub.core.links.disconnect('south:two', 'the test')
  const senders = async () =>
    new Set((await eventsOf(hub)).map(({ annotations }) => annotations['iothub-connection-device-id']))
  await until(async () => (await senders()).size === 4, { withinMs: 30_000, label: 'messages of each device' })
  await until(() => connected() === 4, { withinMs: 30_000, label: 'the connections again' })
  await running.stop()
  const held = readingsOf(await eventsOf(hub))
  const { readings, acked } = await recounted()
  expect(acked).toBeGreaterThan(4 * 600 * 0.9)
  for (const [key, value] of readings) expect([key, held.get(key)]).toEqual([key, value])
  const [{ message, properties }] = (await eventsOf(hub)) as [LogEvent]
  expect(message).toMatchObject({ content_type: 'application/json', content_encoding: 'utf-8' })
  expect(properties).toEqual({ site: expect.any(String), device: expect.any(String) })
})
