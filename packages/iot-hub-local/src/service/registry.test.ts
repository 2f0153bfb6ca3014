import { request } from 'node:https'
import { Registry } from 'azure-iothub'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { makeToken } from '../sas.ts'
import { onPort, trust } from './testing/azure.ts'
import { startTestHub, type TestHub } from './testing/hub.ts'

let hub: TestHub
let registry: Registry

const registryOf = (connection: string) => onPort(Registry.fromConnectionString(connection), hub.side.httpsPort)

beforeAll(async () => {
  hub = await startTestHub({ partitions: 2 })
  trust(hub.core.certificate.caFile)
  registry = registryOf(hub.service('localhost'))
})

afterEach(async () => {
  for (const { deviceId } of hub.core.registry.list()) await hub.core.registry.remove(deviceId)
})

afterAll(() => hub.stop())

/** The error that the SDK makes of an answer. */
const failure = async (attempt: Promise<unknown>) => {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return error as Error & { response?: { statusCode: number; headers: Record<string, string> }; responseBody?: string }
}

const create = (deviceId: string) => registry.create({ deviceId, status: 'enabled' })

describe('the registry, called by azure-iothub', () => {
  it('makes, shows, changes, lists and removes devices', async () => {
    const { responseBody: made } = await create('pi-01')
    expect(made).toMatchObject({ deviceId: 'pi-01', status: 'enabled', connectionState: 'Disconnected' })
    expect(made.authentication!.symmetricKey!.primaryKey).toMatch(/^[\w+/]{43}=$/)
    const { responseBody: read } = await registry.get('pi-01')
    expect(read).toEqual(made)
    const { responseBody: changed } = await registry.update({ ...read, status: 'disabled', statusReason: 'repair' })
    expect(changed).toMatchObject({ status: 'disabled', statusReason: 'repair' })
    expect(changed.authentication!.symmetricKey).toEqual(made.authentication!.symmetricKey)
    expect(changed.generationId).toBe(made.generationId)
    await create('pi-02')
    const { responseBody: all } = await registry.list()
    expect(all.map(({ deviceId }) => deviceId).sort()).toEqual(['pi-01', 'pi-02'])
    await registry.delete('pi-01')
    const { responseBody: left } = await registry.list()
    expect(left).toHaveLength(1)
  })

  it('fails with the errors of the SDK, and says more in code and text', async () => {
    await create('pi-01')
    const twice = await failure(create('pi-01'))
    expect(twice.name).toBe('DeviceAlreadyExistsError')
    const absent = await failure(registry.get('nobody'))
    expect(absent.name).toBe('DeviceNotFoundError')
    expect(absent.response!.headers['iothub-errorcode']).toBe('DeviceNotFound')
    expect(JSON.parse(absent.responseBody!)).toEqual({
      Message: 'ErrorCode:DeviceNotFound;Device nobody not registered',
      ExceptionMessage: expect.stringContaining('Tracking ID:'),
    })
    expect((await failure(registry.update({ deviceId: 'nobody', status: 'enabled' }))).name).toBe('DeviceNotFoundError')
    expect((await failure(create('a device'))).name).toBe('ArgumentError')
  })

  it('takes given keys and thumbprints', async () => {
    const primaryKey = Buffer.alloc(32, 1).toString('base64')
    const symmetricKey = { primaryKey, secondaryKey: primaryKey }
    const { responseBody: keyed } = await registry.create({ deviceId: 'k', authentication: { symmetricKey } })
    expect(keyed.authentication!.symmetricKey).toEqual(symmetricKey)
    const primaryThumbprint = 'A'.repeat(40)
    const x509Thumbprint = { primaryThumbprint }
    const { responseBody: certified } = await registry.create({ deviceId: 'x', authentication: { x509Thumbprint } })
    expect(certified.authentication).toMatchObject({ type: 'selfSigned', x509Thumbprint })
  })

  it('makes, changes and removes many at once, and names what failed', async () => {
    const { responseBody: made } = await registry.addDevices([{ deviceId: 'a' }, { deviceId: 'b' }])
    expect(made).toMatchObject({ isSuccessful: true, errors: [] })
    const some = await failure(registry.addDevices([{ deviceId: 'b' }, { deviceId: 'c' }]))
    expect(JSON.parse(some.responseBody!)).toMatchObject({
      isSuccessful: false,
      errors: [{ deviceId: 'b', errorCode: 'DeviceAlreadyExists' }],
    })
    await registry.updateDevices([{ deviceId: 'a', status: 'disabled' }], true)
    expect((await registry.get('a')).responseBody.status).toBe('disabled')
    await registry.removeDevices([{ deviceId: 'a' }, { deviceId: 'c' }], true)
    expect((await registry.list()).responseBody.map(({ deviceId }) => deviceId)).toEqual(['b'])
    const { responseBody: statistics } = await registry.getRegistryStatistics()
    expect(statistics).toEqual({ totalDeviceCount: 1, enabledDeviceCount: 1, disabledDeviceCount: 0 })
  })

  it('refuses wrong keys and policies that may not', async () => {
    const wrong = hub.service('localhost').replace(/SharedAccessKey=.*/, `SharedAccessKey=${'A'.repeat(43)}=`)
    const stranger = await failure(registryOf(wrong).list())
    expect(stranger.name).toBe('UnauthorizedError')
    expect(stranger.message).toContain('look at SharedAccessKeyName and SharedAccessKey')
    const { name, primaryKey } = hub.core.policies.find((policy) => policy.name === 'registryRead')!
    const connection = `HostName=localhost;SharedAccessKeyName=${name};SharedAccessKey=${primaryKey}`
    const reader = registryOf(connection)
    expect((await reader.list()).responseBody).toEqual([])
    expect((await failure(reader.create({ deviceId: 'a' }))).name).toBe('UnauthorizedError')
  })

  it('says of what it does not do that it does not', async () => {
    const jobs = await failure(registry.listJobs())
    expect(jobs.response!.statusCode).toBe(501)
    expect(jobs.message).toContain('is not part of the local hub')
  })
})

describe('twins', () => {
  it('are read, patched and replaced, each bound to an etag', async () => {
    await create('pi-01')
    const { responseBody: twin } = await registry.getTwin('pi-01')
    expect(twin).toMatchObject({ deviceId: 'pi-01', tags: {}, properties: { desired: { $version: 1 } } })
    const { responseBody: patched } = await registry.updateTwin(
      'pi-01',
      { tags: { hall: 1 }, properties: { desired: { window: '1m', gone: 1 } } },
      twin.etag,
    )
    expect(patched).toMatchObject({ tags: { hall: 1 }, properties: { desired: { window: '1m', $version: 2 } } })
    const stale = await failure(registry.updateTwin('pi-01', { tags: { hall: 2 } }, twin.etag))
    expect(stale.name).toBe('InvalidEtagError')
    const { responseBody: again } = await registry.updateTwin('pi-01', { properties: { desired: { gone: null } } }, '*')
    expect(again.properties.desired).not.toHaveProperty('gone')
    expect(again.properties.desired.$metadata).toHaveProperty('window.$lastUpdated')
    const missing = await failure(registry.getTwin('nobody'))
    expect(missing.name).toBe('DeviceNotFoundError')
  })

  it('the object of the SDK updates itself', async () => {
    await create('pi-01')
    const { responseBody: twin } = await registry.getTwin('pi-01')
    await twin.update({ tags: { floor: '2' } })
    expect(twin.tags).toEqual({ floor: '2' })
    await hub.core.twins.report('pi-01', { version: '1.2' })
    await twin.get()
    expect(twin.properties.reported).toMatchObject({ version: '1.2', $version: 2 })
  })
})

describe('queries', () => {
  it('come in pages, and end', async () => {
    for (const id of ['a', 'b', 'c']) await create(id)
    const query = registry.createQuery('SELECT * FROM devices', 2)
    const pages: string[][] = []
    while (query.hasMoreResults) {
      const { result } = await query.nextAsTwin()
      pages.push((result as { deviceId: string }[]).map(({ deviceId }) => deviceId))
    }
    expect(pages).toEqual([['a', 'b'], ['c']])
  })

  it('find by tags and properties; what is not understood is refused with what is', async () => {
    for (const id of ['a', 'b']) await create(id)
    await registry.updateTwin('a', { tags: { site: 'hall' }, properties: { desired: { rate: 5 } } }, '*')
    const found = async (where: string) => {
      const { result } = await registry.createQuery(`SELECT deviceId FROM devices WHERE ${where}`).next()
      return result as unknown
    }
    expect(await found("tags.site = 'hall' AND properties.desired.rate >= 5")).toEqual([{ deviceId: 'a' }])
    expect(await found('NOT IS_DEFINED(tags.site)')).toEqual([{ deviceId: 'b' }])
    expect(await found("tags.site = 'hall' AND properties.desired.rate > 5")).toEqual([])
    const odd = await failure(registry.createQuery('SELECT COUNT() FROM devices GROUP BY tags.site').next())
    expect(odd.name).toBe('ArgumentError')
    expect(odd.message).toContain('the local hub understands SELECT * (or names) FROM devices')
  })
})

interface Answer {
  status: number
  code: string
}

/** A request as no SDK would make it. */
function post(path: string, body: string): Promise<Answer> {
  const { name, primaryKey } = hub.core.policies.find((policy) => policy.name === 'iothubowner')!
  const expiresS = Math.floor(Date.now() / 1000) + 60
  const authorization = makeToken({ resource: 'localhost', key: primaryKey, policy: name, expiresS })
  const headers = { authorization, 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const sent = request({ host: 'localhost', port: hub.side.httpsPort, path, method: 'POST', headers }, (answer) => {
      answer.resume()
      resolve({ status: answer.statusCode!, code: String(answer.headers['iothub-errorcode']) })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

describe('hostile requests', () => {
  const version = '?api-version=2021-04-12'
  const bad = { status: 400, code: 'ArgumentInvalid' }

  it('are refused as arguments, never answered as a failure of the hub', async () => {
    await create('pi-01')
    const deep = `{"methodName":"x","payload":${'['.repeat(200_000)}${']'.repeat(200_000)}}`
    expect(await post(`/twins/pi-01/methods${version}`, deep)).toEqual(bad)
    expect(await post(`/devices/query${version}`, '{"query":')).toEqual(bad)
    expect(await post(`/devices/query${version}`, '{"__proto__":{"query":"SELECT * FROM devices"}}')).toEqual(bad)
    expect(await post(`/devices${version}`, '[{"id":"../..","importMode":"create"}]')).toMatchObject({ status: 400 })
    expect(await post('/devices/query', '{"query":"SELECT * FROM devices"}')).toEqual(bad)
    expect(await post(`/devices/%ff${version}`, '')).toEqual(bad)
    expect(await post(`/devices/query${version}`, `"${'x'.repeat(2_000_000)}"`)).toMatchObject({ status: 413 })
  })
})
