import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, until } from '@millrace/pipeline/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Influxd, startInfluxd } from '../dashboards/grafana/testing/influxd.ts'
import { buildPage } from '../dashboards/live/build.ts'
import { type Secrets, writeSecrets } from './compose/secrets.ts'
import { composeSchema, interpolate } from './testing/compose-rules.ts'
import { parseYaml } from './testing/podman.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const compose = composeSchema.parse(parseYaml(read('docker-compose.yml')))
/** What the image says for every command: its entrypoint and its environment. */
const image = {
  entrypoint: JSON.parse(/^ENTRYPOINT (\[.+\])$/m.exec(read('Dockerfile'))?.[1] ?? '[]') as string[],
  environment: Object.fromEntries(
    [...read('Dockerfile').matchAll(/^ENV (\w+)=(\S+)$/gm)].map(([, key = '', value = '']) => [key, value]),
  ),
}
const children: ChildProcess[] = []
const output: string[] = []
let folder: string
let secrets: Secrets
let influxd: Influxd
let ports: { agentMqtt: number; agentHttp: number; cloudMqtt: number; ingestHttp: number }

function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = spawn(command, [...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Nothing of this machine's environment but where programs are.
    env: { PATH: process.env.PATH, ...env },
  })
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => output.push(String(data)))
  children.push(child)
  return child
}

/** The words of the compose file with what differs on this machine: config files, addresses, folders. */
function nativeWords(service: string, words: readonly string[]): string[] {
  return words.map((word) => {
    const config = /^deploy\/compose\/(\w+\.yaml)$/.exec(word)?.[1]
    return config === undefined ? localised(interpolate(word), service) : localisedFile(config, service)
  })
}

const wordsOf = (value: string | string[] | undefined) => (typeof value === 'string' ? [value] : (value ?? []))

/** Starts a service, or another command of it, as the compose file and the image say. */
function startService(name: string, words?: readonly string[]): ChildProcess {
  const { entrypoint, command, environment } = compose.services[name]!
  const said = words ?? [...(entrypoint ? wordsOf(entrypoint) : image.entrypoint), ...wordsOf(command)]
  const [program = '', ...args] = nativeWords(name, said)
  return start(program === 'node' ? process.execPath : program, args, {
    ...image.environment,
    ...environment,
  } as NodeJS.ProcessEnv)
}

async function exitCode(child: ChildProcess): Promise<number | null> {
  return await new Promise((resolve) => child.once('close', (code) => resolve(code)))
}

/** Runs the health check of the compose file. */
async function isHealthy(name: string): Promise<boolean> {
  return (await exitCode(startService(name, compose.services[name]!.healthcheck!.test.slice(1)))) === 0
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 6_000)
  await gone
  clearTimeout(late)
}

/** A text of the compose file as this machine needs it: other addresses and folders, all else as it is. */
function localised(text: string, service: string): string {
  return text
    .replaceAll('/run/secrets/millrace', join(folder, service))
    .replaceAll(/\/run\/secrets\/(?=agent|ingest)/g, `${folder}/`)
    .replaceAll('/mosquitto/config/acl', join(root, 'deploy/compose/mosquitto.acl'))
    .replaceAll(/(dataDir: |ledger: |^)\/data/gm, `$1${join(folder, 'data', service)}`)
    .replaceAll('=/ledger', `=${join(folder, 'data/simulator')}`)
    .replaceAll('0.0.0.0', '127.0.0.1')
    .replace('port: 1883', `port: ${ports.agentMqtt}`)
    .replace('port: 8081', `port: ${ports.agentHttp}`)
    .replace('port: 8080', `port: ${ports.ingestHttp}`)
    .replace('listener 1883', `listener ${ports.cloudMqtt} 127.0.0.1\nuser root`)
    .replace('mqtt://agent:1883', `mqtt://127.0.0.1:${ports.agentMqtt}`)
    .replace('mqtt://mosquitto:1883', `mqtt://127.0.0.1:${ports.cloudMqtt}`)
    .replace('http://influxdb:8086', influxd.url)
    .replace(/http:\/\/(127\.0\.0\.1|ingest):8080/, `http://127.0.0.1:${ports.ingestHttp}`)
    .replace(/http:\/\/(127\.0\.0\.1|agent):8081/, `http://127.0.0.1:${ports.agentHttp}`)
    .replace('history: 6h', 'history: 10m')
}

function localisedFile(name: string, service: string): string {
  const file = join(folder, `${service}-${name}`)
  writeFileSync(file, localised(read(join('deploy/compose', name)), service))
  return file
}

async function query(q: string, user?: string, password?: string): Promise<{ status: number; text: string }> {
  const headers = user ? { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` } : {}
  const response = await fetch(`${influxd.url}/query?db=telemetry&q=${encodeURIComponent(q)}`, {
    method: 'POST',
    headers,
  })
  return { status: response.status, text: await response.text() }
}

/** What the image does at its first start from its environment. */
async function initialise(): Promise<void> {
  const admin = ['millrace', secrets.influxAdmin] as const
  await query(`CREATE USER "millrace" WITH PASSWORD '${secrets.influxAdmin}' WITH ALL PRIVILEGES`)
  await query('CREATE DATABASE telemetry', ...admin)
  await query(`CREATE USER "grafana" WITH PASSWORD '${secrets.influxReader}'`, ...admin)
  await query('GRANT READ ON "telemetry" TO "grafana"', ...admin)
}

async function listens(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => resolve(true))
    socket.on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

beforeAll(async () => {
  await buildPage()
  folder = mkdtempSync(join(tmpdir(), 'millrace-compose-'))
  for (const service of ['agent', 'ingest', 'simulator']) mkdirSync(join(folder, 'data', service), { recursive: true })
  secrets = await writeSecrets({ folder, giveAway: false })
  const [agentMqtt, agentHttp, cloudMqtt, ingestHttp] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ])
  ports = { agentMqtt, agentHttp, cloudMqtt, ingestHttp }
  influxd = await startInfluxd({ auth: true })
  await initialise()
  start('mosquitto', ['-c', localisedFile('mosquitto.conf', 'mosquitto')])
  await until(async () => await listens(cloudMqtt), { withinMs: 10_000 })
  startService('ingest')
  startService('agent')
  for (const name of ['ingest', 'agent']) {
    await until(async () => await isHealthy(name), { withinMs: 30_000 }).catch((error: unknown) => {
      throw new Error(output.join('').slice(-6_000), { cause: error })
    })
  }
  startService('simulator')
})

afterAll(async () => {
  await Promise.all(children.toReversed().map(end))
  await influxd?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const api = async (path: string, token?: string) =>
  await fetch(
    `http://127.0.0.1:${ports.ingestHttp}${path}`,
    token ? { headers: { authorization: `Bearer ${token}` } } : {},
  )

test('with the generated secrets readings go from the simulator to both stores, all accounted for', async ({
  onTestFailed,
}) => {
  onTestFailed(() => void process.stderr.write(output.join('').slice(-6_000)))
  const accounts = async () =>
    (await (await api('/api/accounts', secrets.ingestHttp)).json()) as { total: Record<string, number> }
  await expect
    .poll(async () => (await accounts()).total.held ?? 0, {
      timeout: 120_000,
    })
    .toBeGreaterThan(100)
  expect((await accounts()).total).toMatchObject({ unaccounted: 0, dropped: 0, conflicts: 0 })
  const count = async () =>
    (await query('SELECT count("mean") FROM "minute"."summary_1m"', 'grafana', secrets.influxReader)).text
  await expect.poll(count, { timeout: 60_000 }).toMatch(/"values":\[\["1970-01-01T00:00:00Z",\d+\]\]/)
  expect(await isHealthy('simulator')).toBe(true)
})

test('the recount of the file finds everything in both stores', async () => {
  for (const store of ['duckdb', 'influxdb']) {
    const { entrypoint } = compose.services.verify!
    const recount = startService('verify', [...wordsOf(entrypoint), '--json', '--store', store])
    const told: string[] = []
    recount.stdout?.on('data', (data: Buffer) => told.push(String(data)))
    expect(await exitCode(recount), output.join('').slice(-3_000)).toBe(0)
    expect(JSON.parse(told.join(''))).toMatchObject({ missing: 0, doubled: 0, wrongWindow: 0, wrongValue: 0 })
  }
})

test('the health check of a service that has gone fails', async () => {
  const words = compose.services.agent!.healthcheck!.test.slice(1)
  const gone = words.map((word) => word.replace(':8081', ':9'))
  expect(await exitCode(startService('agent', gone))).toBe(1)
})

test('nobody comes in without the secrets', async () => {
  expect((await api('/')).status).toBe(401)
  expect((await api('/api/series')).status).toBe(401)
  expect((await fetch(`http://127.0.0.1:${ports.agentHttp}/api/status`)).status).toBe(401)
  expect((await query('SHOW DATABASES')).status).toBe(401)
  expect((await query('DROP DATABASE telemetry', 'grafana', secrets.influxReader)).status).toBe(403)
})
