import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, until } from '@millrace/pipeline/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { composeSchema, startOrder } from './testing/compose-rules.ts'
import { Podman, type Project, parseYaml, projectName, removeProjects, runArguments } from './testing/podman.ts'
import { makeStandIns, missingForContainers, npmSecrets } from './testing/stand-ins.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const compose = composeSchema.parse(parseYaml(read('docker-compose.yml')))
const nodeImage = /^ARG NODE_IMAGE=(\S+)$/m.exec(read('Dockerfile'))?.[1] ?? ''
const imageOf = (service: string) => compose.services[service]!.image
/** Debian has no Grafana, and there is no registry to fetch its image from. */
const leftOut = new Set(['grafana'])
const long = 360_000
const architecture = process.arch === 'x64' ? 'amd64' : process.arch
const elfMachineOffset = 18
const elfMachineArm64 = 183

const missing = await missingForContainers()
if (missing !== undefined) process.stderr.write(`containers are not tested: ${missing}\n`)

describe.skipIf(missing !== undefined)('the containers', () => {
  let folder: string
  let podman: Podman
  let project: Project
  let npm: string[]
  const token: Record<string, string> = {}
  const container = (service: string) => `${project.name}_${service}`
  const inside = async (service: string, script: string) =>
    await podman.call('exec', container(service), 'sh', '-c', script)
  const log = async (service: string) => await podman.log(container(service))

  async function build(...flags: string[]): Promise<void> {
    await podman.call('build', '--network', 'host', ...npm, ...flags, root)
  }

  async function inImage<T>(image: string, look: (mounted: string) => T): Promise<T> {
    const mounted = await podman.call('image', 'mount', image)
    try {
      return look(mounted)
    } finally {
      await podman.call('image', 'unmount', image)
    }
  }

  async function waitUntilHealthy(service: string): Promise<void> {
    const healthy = async () => await podman.succeeds('healthcheck', 'run', container(service))
    await until(healthy, { withinMs: 45_000 }).catch(async (cause: unknown) => {
      throw new Error(`${service} is not healthy\n${await log(service)}`, { cause })
    })
  }

  /** As Compose does: a service starts when what it depends on is as far as it asks. */
  async function start(service: string): Promise<void> {
    await podman.call(...runArguments(project, service, ['--detach']))
    if (compose.services[service]?.healthcheck) await waitUntilHealthy(service)
    else expect(await podman.call('wait', container(service)), await log(service)).toBe('0')
  }

  async function api(port: string, path: string, service: string): Promise<Response> {
    const address = `http://127.0.0.1:${project.hostPorts.get(port)}${path}`
    return await fetch(address, { headers: { authorization: `Bearer ${token[service]}` } })
  }

  const held = async () => {
    const answer = (await (await api('8080', '/api/accounts', 'ingest')).json()) as { total: Record<string, number> }
    return answer.total
  }

  /** `docker compose run --rm`: words after the name take the place of the command. */
  async function runJob(name: string, ...command: string[]): Promise<string> {
    const services = { [name]: { ...compose.services[name]!, command } }
    return await podman.call(...runArguments({ ...project, compose: { ...compose, services } }, name, ['--rm']))
  }

  async function verify(...flags: string[]): Promise<Record<string, number>> {
    return JSON.parse(await runJob('verify', '--json', ...flags)) as Record<string, number>
  }

  async function remove(...services: string[]): Promise<void> {
    for (const service of services) await podman.call('rm', '--force', '--time', '5', '--ignore', container(service))
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-containers-'))
    podman = new Podman('/var/tmp/millrace-containers')
    await removeProjects(podman, 'abandoned')
    const published = ['1883', '8080', '8081']
    const ports = await Promise.all(published.map(freePort))
    project = {
      name: projectName,
      folder: root,
      compose,
      hostPorts: new Map(published.map((port, index) => [port, ports[index]!])),
      variables: { MILLRACE_EDGE: join(folder, 'edge') },
    }
    await makeStandIns(podman, {
      node: `library/${nodeImage}`,
      mosquitto: imageOf('mosquitto'),
      influxdb: `library/${imageOf('influxdb')}`,
    })
    npm = await npmSecrets(folder)
    await build('--tag', imageOf('agent'))
    await podman.call('network', 'create', project.name)
    for (const service of startOrder(compose, 'simulated')) if (!leftOut.has(service)) await start(service)
    for (const service of ['agent', 'ingest']) {
      token[service] = await inside(service, 'cat /run/secrets/millrace/http-token')
    }
  }, long)

  afterAll(async () => {
    await removeProjects(podman, 'own')
    // What another run builds just now has no name yet.
    await podman.call('image', 'prune', '--force', '--filter', 'until=1h')
    rmSync(folder, { recursive: true, force: true })
  })

  test('readings of the simulator are in the accounts, the page is served', async () => {
    await expect.poll(async () => (await held()).held ?? 0, { timeout: 120_000 }).toBeGreaterThan(1_000)
    expect(await held()).toMatchObject({ unaccounted: 0, dropped: 0, conflicts: 0 })
    const page = await api('8080', '/', 'ingest')
    expect(page.headers.get('content-type')).toContain('text/html')
    expect((await fetch(page.url)).status).toBe(401)
  })

  test('our services have no rights: not root, nothing to write but their data, no capability', async () => {
    for (const service of ['simulator', 'agent', 'ingest']) {
      expect(await inside(service, 'id -u; id -g'), service).toBe('1000\n1000')
      const status = await inside(service, 'grep -h "^Cap\\|NoNewPrivs" /proc/1/status /proc/self/status')
      expect(status.match(/^Cap(Prm|Eff|Bnd|Amb):\s+0+$/gm), status).toHaveLength(8)
      expect(status.match(/^NoNewPrivs:\s+1$/gm), status).toHaveLength(2)
      expect(
        await inside(service, 'for d in / /app /home/node /etc; do touch $d/x 2>/dev/null && echo $d; done; :'),
      ).toBe('')
      await inside(service, 'touch /data/x /tmp/x && rm /data/x /tmp/x')
      const first = await inside(service, 'tr "\\0" " " < /proc/1/cmdline')
      expect(first, 'an init is the first process').not.toMatch(/^node /)
    }
  })

  test('the image has what runs and no tool of development', async () => {
    const paths = await inImage(imageOf('agent'), (mounted) => {
      const secrets = ['root/.npmrc', 'run/secrets/ca', 'usr/bin/curl'].filter((path) =>
        existsSync(join(mounted, path)),
      )
      return [...secrets, ...readdirSync(join(mounted, 'app'), { recursive: true, encoding: 'utf8' })]
    })
    const tools = /(^|\/)node_modules\/(vite|vitest|typescript|rolldown|@biomejs|playwright-core|fast-check|@grafana)$/
    const unwanted = [tools, /^(?!node_modules).*\.test\.ts$/, /^(root|run|usr)\//, /(^|\/)\.git$/]
    expect(paths.filter((path) => unwanted.some((pattern) => pattern.test(path)))).toEqual([])
    expect(paths).toContain('dashboards/live/dist/index.html')
    const bytes = async (image: string) => Number(await podman.call('image', 'inspect', '--format', '{{.Size}}', image))
    const own = (await bytes(imageOf('agent'))) - (await bytes(nodeImage))
    process.stderr.write(`the image is Node's and ${Math.round(own / 1e6)} MB of ours\n`)
    expect(own).toBeLessThan(200e6)
  })

  test('for arm64 it is built without running anything of arm64, up to the base image', async () => {
    const image = `${imageOf('agent')}-arm64`
    // Podman of this age does not tell a build its own platform; newer ones and Docker do.
    const platform = ['--platform', 'linux/arm64', '--build-arg', `BUILDPLATFORM=linux/${architecture}`]
    await build(...platform, '--target', 'production', '--tag', image)
    const bindings = 'app/node_modules/@duckdb'
    const [names, machine] = await inImage(image, (mounted) => [
      readdirSync(join(mounted, bindings)).sort(),
      readFileSync(join(mounted, bindings, 'node-bindings-linux-arm64/duckdb.node')).readUInt16LE(elfMachineOffset),
    ])
    expect(names).toEqual(['node-api', 'node-bindings', 'node-bindings-linux-arm64'])
    expect(machine).toBe(elfMachineArm64)
  })

  test('no secret is in an environment, a command or a log of ours', async () => {
    const secrets = Object.values(token)
    const names = ['simulator', 'agent', 'ingest']
    const told = await Promise.all(
      names.map(async (name) => (await log(name)) + (await podman.call('inspect', container(name)))),
    )
    for (const text of told) for (const secret of secrets) expect(text.includes(secret)).toBe(false)
  })

  test('killed with -9, agent and ingest come back by themselves and nothing is lost', async () => {
    for (const service of ['agent', 'ingest']) {
      const started = async () => await podman.call('inspect', '--format', '{{.State.StartedAt}}', container(service))
      const before = await started()
      process.kill(Number(await podman.call('inspect', '--format', '{{.State.Pid}}', container(service))), 'SIGKILL')
      await until(async () => (await started()) !== before, { withinMs: 20_000 })
      await waitUntilHealthy(service)
    }
    const before = (await held()).held ?? 0
    await expect.poll(async () => (await held()).held ?? 0, { timeout: 120_000 }).toBeGreaterThan(before)
    for (const store of ['duckdb', 'influxdb']) {
      const verdict = await verify('--store', store)
      expect(verdict, store).toMatchObject({ missing: 0, doubled: 0, wrongWindow: 0, wrongValue: 0 })
      expect(verdict.stored).toBeGreaterThan(1_000)
    }
  })

  test('a backup of the running ingest fills empty stores on its restore', async () => {
    await podman.call('stop', container('simulator'))
    await runJob('backup')
    const before = (await held()).held ?? 0
    await remove('ingest', 'influxdb')
    for (const volume of ['ingest-data', 'influxdb-data'])
      await podman.call('volume', 'rm', `${project.name}_${volume}`)
    await start('influxdb')
    await runJob('restore')
    await start('ingest')
    expect(await held()).toMatchObject({ unaccounted: 0, conflicts: 0 })
    expect((await held()).held).toBeGreaterThan(before * 0.99)
    const answer = await (await api('8080', '/api/series?store=influxdb', 'ingest')).json()
    expect((answer as unknown[]).length).toBeGreaterThan(10)
  })

  test('the agent alone starts with a config from a folder, while its cloud is away', async () => {
    await remove('simulator', 'agent')
    cpSync(join(root, 'deploy/compose/edge'), join(folder, 'edge'), { recursive: true })
    writeFileSync(join(folder, 'edge/uplink-password'), 'not a secret\n')
    await start('edge')
    expect(startOrder(compose, 'edge')).toEqual(['secrets', 'edge'])
  })
})
