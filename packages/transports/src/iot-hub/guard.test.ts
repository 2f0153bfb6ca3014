import { EventEmitter } from 'node:events'
import { type Logger, silentLogger } from '@millrace/pipeline'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { guardedPayload } from './guard.ts'
import { loadDeviceSdk } from './sdk.ts'

/** The parts of the SDK's wire that a message passes. */
interface Wire extends EventEmitter {
  _mqtt: EventEmitter
  _configureEndpoints(credentials: { deviceId: string }): void
  _twinClient: {
    _pendingTwinRequests: Record<string, (error: Error | null, twin?: unknown) => void>
  }
}

async function wireOf(protocol: 'mqtt' | 'mqtt-ws' = 'mqtt') {
  const told: string[] = []
  const tell = (_fields: object, message: string) => void told.push(message)
  const log = { ...silentLogger, warn: tell, error: tell } as Logger
  const { transport: Transport } = await loadDeviceSdk(protocol, log)
  const wire = new (Transport as unknown as new (authentication: EventEmitter) => Wire)(new EventEmitter())
  // As after a connection.
  wire._configureEndpoints({ deviceId: 'd1' })
  const says = (topic: string, text: string) => wire._mqtt.emit('message', topic, Buffer.from(text))
  return { wire, says, told }
}

const change = '$iothub/twin/PATCH/properties/desired/?$version=3'
const deep = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`

describe('what a gateway or a broken hub sends does not end the process', () => {
  it.each(['mqtt', 'mqtt-ws'] as const)(
    'a change of the twin that is no JSON is one without a word, over %s',
    async (protocol) => {
      const { wire, says, told } = await wireOf(protocol)
      const changes: unknown[] = []
      wire.on('twinDesiredPropertiesUpdate', (patch) => changes.push(patch))
      for (const text of ['<html>', '', 'null', '[]', '7', deep]) says(change, text)
      says(change, '{"millrace":{},"$version":3}')
      expect(changes).toEqual([{}, {}, {}, {}, {}, {}, { millrace: {}, $version: 3 }])
      expect(told).toEqual(Array(6).fill('the hub sent a twin that is not readable'))
    },
  )

  it('a twin that is no JSON is an answer that failed', async () => {
    const { wire, says } = await wireOf()
    for (const text of ['<html>', '', 'null', '[]', deep]) {
      const answer = new Promise<unknown>((resolve) => {
        wire._twinClient._pendingTwinRequests.r1 = (error) => resolve(error?.message)
      })
      says('$iothub/twin/res/200/?$rid=r1', text)
      expect(await answer).toBe('the answer about the twin is no JSON object')
    }
  })

  it('an answer to reported properties has no body and stays as it is', async () => {
    const { wire, says, told } = await wireOf()
    const answer = new Promise((resolve) => {
      wire._twinClient._pendingTwinRequests.r2 = (error, twin) => resolve([error, twin])
    })
    says('$iothub/twin/res/204/?$rid=r2&$version=4', '')
    expect(await answer).toEqual([null, undefined])
    expect(told).toEqual([])
  })

  it('a method without a name and properties that are not encoded are passed over, and said', async () => {
    const { says, told } = await wireOf()
    says('$iothub/methods/POST/?$rid=1', '{}')
    says('devices/d1/messages/devicebound/%zz=%', '')
    expect(told).toEqual(Array(2).fill('a message of the hub could not be taken'))
  })

  it('any bytes on any topic', async () => {
    const { says } = await wireOf()
    const topic = fc.oneof(
      fc.constantFrom(change, '$iothub/twin/res/200/?$rid=1', '$iothub/twin/res//', 'devices/d1/messages/devicebound/'),
      fc.string().map((end) => `$iothub/methods/POST/${end}`),
      fc.string().map((end) => `devices/d1/messages/devicebound/${end}`),
      fc.string(),
    )
    fc.assert(
      fc.property(topic, fc.oneof(fc.json(), fc.string()), (at, text) => {
        says(at, text)
      }),
      { numRuns: 300 },
    )
  })

  it('leaves what can be read as it came, byte for byte', () => {
    const bytes = Buffer.from('{"desired":{"$version":1},"reported":{"$version":1}}')
    expect(guardedPayload('$iothub/twin/res/200/?$rid=1', bytes)).toBe(bytes)
    expect(guardedPayload(change, bytes)).toBe(bytes)
    const command = Buffer.from([0, 1, 255])
    expect(guardedPayload('devices/d1/messages/devicebound/', command)).toBe(command)
  })
})
