import { Duplex } from 'node:stream'
import { manualClock } from '@millrace/pipeline'
import fc from 'fast-check'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { expect, it } from 'vitest'
import { atEnd, newHubFolder } from '../../testing/index.ts'
import { type Core, openCore } from '../core/open-core.ts'
import { makeToken } from '../sas.ts'
import { Connection } from './connection.ts'
import { admitDevice } from './device-side.ts'

const startMs = Date.UTC(2026, 10, 20)
const none = { telemetry: undefined, twins: undefined, quota: undefined }

/** A device's end of a stream that keeps nothing of what the hub says. */
function silentStream(): Duplex {
  return new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done(), autoDestroy: false })
}

function loginOf(core: Core): Buffer {
  const { authentication } = core.registry.get('pi-01')!
  const key = authentication.type === 'sas' ? authentication.symmetricKey.primaryKey : ''
  const token = makeToken({ resource: 'localhost/devices/pi-01', key, expiresS: startMs / 1000 + 3600 })
  return mqttPacket.generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clientId: 'pi-01',
    clean: false,
    keepalive: 60,
    username: 'localhost/pi-01/?api-version=2021-04-12',
    password: Buffer.from(token),
  })
}

const topics = fc.oneof(
  fc.string(),
  fc.string().map((bag) => `devices/pi-01/messages/events/${bag}`),
  fc.string().map((rest) => `$iothub/twin/PATCH/properties/reported/?$rid=1${rest}`),
  fc.string().map((rest) => `$iothub/methods/res/200/?$rid=${rest}`),
  fc.constant('$iothub/twin/GET/?$rid=2'),
)
const payloads = fc.oneof(fc.json(), fc.string())
const publish = fc.record({ topic: topics, payload: payloads, qos: fc.constantFrom(0, 1, 2) }).map((packet) => ({
  cmd: 'publish',
  messageId: 7,
  retain: false,
  dup: false,
  ...packet,
}))
const other = fc.constantFrom('pingreq', 'disconnect', 'puback', 'pubrel').map((cmd) => ({ cmd, messageId: 3 }))
const packets = fc.oneof({ weight: 5, arbitrary: publish }, other).map((packet) => {
  try {
    return mqttPacket.generate(packet as Packet)
  } catch {
    return Buffer.from([0xc0, 0])
  }
})
const noise = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes))

it('no bytes of a device, before or after it is let in, bring down more than its connection', async () => {
  const clock = manualClock(startMs)
  const core = await openCore({ dataDir: newHubFolder(), clock })
  atEnd(() => core.close())
  await core.registry.create({ deviceId: 'pi-01' })
  const login = loginOf(core)
  const failures: unknown[] = []
  const onFailure = (error: unknown) => failures.push(error)
  process.on('unhandledRejection', onFailure)
  atEnd(() => process.off('unhandledRejection', onFailure))
  const chunks = fc.array(fc.oneof({ weight: 3, arbitrary: packets }, noise), { maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(fc.boolean(), chunks, async (admitted, sent) => {
      let ends = 0
      const stream = silentStream()
      const connection = new Connection(stream, {
        peer: { address: 'test', thumbprints: [] },
        clock,
        admit: (packet, own) => admitDevice(core, none, { packet, connection: own }),
        onEnd: () => ends++,
      })
      if (admitted) stream.push(login)
      for (const chunk of sent) stream.push(chunk)
      await new Promise((resolve) => setImmediate(resolve))
      connection.end('over', 'lost')
      expect(ends).toBe(1)
    }),
    { numRuns: 300 },
  )
  expect(failures).toEqual([])
  expect(core.links.count()).toBe(0)
  // Good messages among the noise came through.
  expect([0, 1, 2, 3].some((partition) => !core.events.builtIn.info(partition).isEmpty)).toBe(true)
})
