import { copyFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDeviceCertificate } from '@millrace/iot-hub-local'
import { type Logger, manualClock, RejectedError, silentLogger } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import {
  createIotHubLink,
  explainHubFailure,
  type IotHubLink,
  type IotHubLinkContext,
  iotHubSettings,
} from '@millrace/transports'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Bench } from '../testing/fixture.ts'
import { TestHub } from '../testing/hub.ts'

let bench: Bench
let hub: TestHub

/** Waits a fiftieth of the time. */
const quick: NonNullable<IotHubLinkContext['wait']> = (ms) => new Promise((resolve) => setTimeout(resolve, ms / 50))
const within = { withinMs: 60_000 }

async function linkOf(
  context: Partial<IotHubLinkContext> = {},
  changes: Record<string, unknown> = {},
): Promise<{ link: IotHubLink; file: string }> {
  const { type: _, ...given } = await hub.uplink('d1')
  const { tokenLife, ...rest } = { ...given, ...changes } as Record<string, unknown> & { tokenLife?: number }
  const settings = { ...iotHubSettings.parse(rest), ...(tokenLife === undefined ? {} : { tokenLife }) }
  const link = createIotHubLink(settings, { log: silentLogger, wait: quick, ...context })
  bench.onClose(() => link.stop())
  await link.start()
  return { link, file: String(given.connectionStringFile) }
}

const message = (text: string) => ({ body: Buffer.from(text), messageId: text })

async function arrived(): Promise<string[]> {
  const texts = (await hub.events()).map(({ body }) => Buffer.from(body).toString())
  return [...new Set(texts)].sort()
}

describe('a link to an IoT Hub over the SDK', () => {
  beforeEach(async () => {
    bench = new Bench()
    hub = await TestHub.open(bench)
  })
  afterEach(() => bench.close())

  it('gives up nothing in an outage of an hour, and rests no longer than a minute at a time', async () => {
    const clock = manualClock(0)
    const waits: number[] = []
    const wait = async (ms: number) => {
      clock.advance(ms)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    const log: Logger = {
      ...silentLogger,
      warn: (fields) => {
        const { waitMs } = fields as { waitMs?: number }
        if (waitMs !== undefined) waits.push(waitMs)
      },
    }
    const { link } = await linkOf({ clock, wait, log })
    await link.send(message('before'))
    await hub.stop()
    await until(() => !link.connected, within)
    const late = Promise.all(['a', 'b', 'c'].map((text) => link.send(message(text))))
    await until(() => clock.monotonic() > 3_600_000, within)
    expect(link.lastError).toMatch(/nobody listens there: .*host name/)
    expect(Math.max(...waits)).toBeLessThanOrEqual(60_000)
    await hub.start()
    await late
    expect(await arrived()).toEqual(['a', 'b', 'before', 'c'])
    expect(link.lastError).toBeNull()
  })

  it('renews its token by a new connection before the old one runs out, while messages flow', async () => {
    const { link } = await linkOf({}, { tokenLife: 4_000 })
    const sent: string[] = []
    const untilMs = performance.now() + 9_000
    for (let at = 0; performance.now() < untilMs; at++) {
      const text = String(at).padStart(5, '0')
      await link.send(message(text))
      sent.push(text)
    }
    expect(link.state).toMatchObject({ losses: 0, pace: 32 })
    expect(link.state.renewals).toBeGreaterThanOrEqual(2)
    expect(await arrived()).toEqual(sent)
  })

  it('says so when another program uses its identity, tries less often, and both get through in the end', async () => {
    const { link: one } = await linkOf()
    const { link: two } = await linkOf()
    await until(() => /another program may use the identity/.test(`${one.lastError} ${two.lastError}`), within)
    const sends = ['one', 'two'].map((text, at) => [one, two][at]!.send(message(text)))
    await Promise.all(sends)
    expect(await arrived()).toEqual(['one', 'two'])
  })

  it('speaks with a certificate of the device, and says so when the hub expects another', async () => {
    const { cert, key, thumbprint } = makeDeviceCertificate('x1', Date.now())
    const folder = await bench.folder()
    const [certFile, keyFile] = [join(folder, 'device.crt'), join(folder, 'device.key')]
    await writeFile(certFile, cert)
    await writeFile(keyFile, key, { mode: 0o600 })
    const { registry } = hub.hub.core
    const device = (primaryThumbprint: string) => ({
      deviceId: 'x1',
      authentication: {
        type: 'selfSigned' as const,
        x509Thumbprint: { primaryThumbprint, secondaryThumbprint: primaryThumbprint },
      },
    })
    await registry.create(device('0'.repeat(40)))
    const names = { host: `localhost:${hub.hub.ports.mqtt}`, deviceId: 'x1', cert: certFile, key: keyFile }
    const { link } = await linkOf({}, { connectionStringFile: undefined, ...names })
    const sent = link.send(message('x'))
    await until(() => /look at the key or certificate/.test(String(link.lastError)), within)
    await registry.update(device(thumbprint))
    await sent
    expect(link.identity?.deviceId).toBe('x1')
  })

  it('explains a wrong key, and goes on as soon as the file holds the right one', async () => {
    const connection = await hub.hub.deviceConnectionString('d1')
    const file = join(await bench.folder(), 'wrong.txt')
    const wrong = connection.replace(/SharedAccessKey=.*/, `SharedAccessKey=${Buffer.alloc(32).toString('base64')}`)
    await writeFile(file, wrong, { mode: 0o600 })
    const { link } = await linkOf({}, { connectionStringFile: file })
    const sent = link.send(message('x'))
    await until(() => /refuses this device: look at the key/.test(String(link.lastError)), within)
    expect(link.lastError).toMatch(/exists there and is enabled, the host name, and this machine's clock/)
    await writeFile(file, connection)
    await sent
    expect(link.lastError).toBeNull()
  })

  it('explains an authority that is not trusted, and goes on when `ca` is right', async () => {
    const other = await TestHub.open(bench)
    const ca = join(await bench.folder(), 'ca.crt')
    await copyFile(other.hub.caFile, ca)
    const { link } = await linkOf({}, { ca })
    const sent = link.send(message('x'))
    await until(() => /not trusted here: look at `ca`/.test(String(link.lastError)), within)
    await rm(ca)
    await until(() => /cannot read/.test(String(link.lastError)), within)
    await copyFile(hub.hub.caFile, ca)
    await sent
  })

  it('is taken without a restart when a device that the hub did not know is registered', async () => {
    const primaryKey = Buffer.alloc(32, 7).toString('base64')
    const connection = (await hub.hub.deviceConnectionString('d1')).replace(/DeviceId=.*/, '')
    const file = join(await bench.folder(), 'unknown.txt')
    await writeFile(file, `${connection}DeviceId=late;SharedAccessKey=${primaryKey}`, { mode: 0o600 })
    const { link } = await linkOf({}, { connectionStringFile: file })
    const sent = link.send(message('x'))
    await until(() => /refuses this device/.test(String(link.lastError)), within)
    const symmetricKey = { primaryKey, secondaryKey: primaryKey }
    await hub.hub.core.registry.create({ deviceId: 'late', authentication: { type: 'sas', symmetricKey } })
    await sent
    expect(await arrived()).toEqual(['x'])
  })

  it('refuses what the hub can never take, and what stands beside it passes', async () => {
    const { link } = await linkOf()
    const large = link.send({ body: Buffer.alloc(300 * 1024) })
    const small = link.send(message('small'))
    await expect(large).rejects.toThrow(RejectedError)
    await expect(large).rejects.toThrow(/larger than the 256 KB/)
    await small
    expect(await arrived()).toEqual(['small'])
  })

  it('goes slower where the hub throttles, and everything arrives', async () => {
    await hub.stop()
    await hub.start({ telemetryPerSecond: 20 })
    const { link } = await linkOf()
    const texts = Array.from({ length: 120 }, (_, at) => String(at).padStart(3, '0'))
    await Promise.all(texts.map((text) => link.send(message(text))))
    expect(await arrived()).toEqual(texts)
  })

  it('waits while the quota of the hub is used up, saying what to look at, and drops nothing', async () => {
    await hub.stop()
    await hub.start({ dailyBlocks: 5 })
    const { link } = await linkOf()
    const texts = Array.from({ length: 8 }, (_, at) => String(at))
    const sent = Promise.all(texts.map((text) => link.send(message(text))))
    await until(() => /daily quota is used up/.test(String(link.lastError)), within)
    expect(link.state.pace).toBeLessThan(32)
    await hub.stop()
    await hub.start({ dailyBlocks: 1_000 })
    await sent
    expect(await arrived()).toEqual(texts)
  })

  it('finds its hub through the provisioning service with the key of a group, and asks it no more than once', async () => {
    const { provisioning, ports, caFile } = hub.hub
    const [group] = provisioning.groups
    const keyFile = join(await bench.folder(), 'group.key')
    await writeFile(keyFile, group!.primaryKey, { mode: 0o600 })
    const about = { host: `localhost:${ports.mqtt}`, idScope: provisioning.idScope, registrationId: 'pi-7', keyFile }
    let assigned: { host: string; deviceId: string } | undefined
    let asked = 0
    const cache = {
      load: async () => assigned,
      save: async (found: { host: string; deviceId: string }) => {
        asked++
        assigned = found
      },
    }
    const settings = iotHubSettings.parse({ provisioning: { ...about, group: true }, ca: caFile })
    for (const text of ['first', 'second']) {
      const link = createIotHubLink(settings, { log: silentLogger, wait: quick, cache })
      await link.start()
      await link.send(message(text))
      expect(link.identity).toEqual({ host: `localhost:${ports.mqtt}`, deviceId: 'pi-7' })
      await link.stop()
    }
    expect(asked).toBe(1)
    expect(await arrived()).toEqual(['first', 'second'])
  })
})

describe('a failure of the SDK', () => {
  const first = (text: string) => new Error(`Failure on first connection (Not authorized): ${text}`)

  it.each([
    [first('getaddrinfo ENOTFOUND nowhere.example'), 'wait', /host name/],
    [first('connect ECONNREFUSED 127.0.0.1:1'), 'wait', /port/],
    [first('unable to verify the first certificate'), 'wait', /`ca`/],
    [first('certificate has expired'), 'wait', /clock/],
    [first("Hostname/IP does not match certificate's altnames: Host: x"), 'wait', /another name/],
    [first('Client network socket disconnected before secure TLS connection was established'), 'wait', /firewall/],
    [first('Connection refused: Not authorized'), 'identity', /key or certificate/],
    [Object.assign(new Error('x'), { name: 'ThrottlingError' }), 'slow-down', /throttles/],
    [Object.assign(new Error('x'), { name: 'IotHubQuotaExceededError' }), 'hold', /maxBlocksPerDay/],
    [Object.assign(new Error('x'), { name: 'MessageTooLargeError' }), 'set-aside', /256 KB/],
    [Object.assign(new Error('Message not acknowledged'), { name: 'TimeoutError' }), 'wait', /in time/],
    [undefined, 'wait', /lost/],
  ])('%s asks for: %s', (error, fate, reason) => {
    const failure = explainHubFailure(error)
    expect(failure.fate).toBe(fate)
    expect(failure.reason).toMatch(reason)
  })
})
