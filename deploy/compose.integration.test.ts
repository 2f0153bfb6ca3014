import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '@millrace/pipeline/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort, type Influxd, startInfluxd } from '../dashboards/grafana/testing/influxd.ts'
import { buildPage } from '../dashboards/live/build.ts'
import { isFresh, isReady } from './compose/healthy.ts'
import { type Secrets, writeSecrets } from './compose/secrets.ts'

const root = join(import.meta.dirname, '..')
const children: ChildProcess[] = []
const output: string[] = []
let folder: string
let secrets: Secrets
let influxd: Influxd
let ports: { agentMqtt: number; agentHttp: number; cloudMqtt: number; ingestHttp: number }

function start(command: string, args: readonly string[]): void {
  const child = spawn(command, [...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => output.push(String(data)))
  children.push(child)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 6_000)
  await gone
  clearTimeout(late)
}

/** A config file of the compose file as this machine needs it: other addresses and folders, all else as it is. */
function localised(name: string, service: string): string {
  const text = readFileSync(join(root, 'deploy/compose', name), 'utf8')
    .replaceAll('/run/secrets/millrace', join(folder, service))
    .replaceAll('/mosquitto/config/acl', join(root, 'deploy/compose/mosquitto.acl'))
    .replaceAll(/(dataDir: |ledger: )\/data/g, `$1${join(folder, 'data', service)}`)
    .replaceAll('0.0.0.0', '127.0.0.1')
    .replace('port: 1883', `port: ${ports.agentMqtt}`)
    .replace('port: 8081', `port: ${ports.agentHttp}`)
    .replace('port: 8080', `port: ${ports.ingestHttp}`)
    .replace('listener 1883', `listener ${ports.cloudMqtt} 127.0.0.1\nuser root`)
    .replace('mqtt://agent:1883', `mqtt://127.0.0.1:${ports.agentMqtt}`)
    .replace('mqtt://mosquitto:1883', `mqtt://127.0.0.1:${ports.cloudMqtt}`)
    .replace('http://influxdb:8086', influxd.url)
    .replace('history: 6h', 'history: 10m')
  const file = join(folder, `${service}-${name}`)
  writeFileSync(file, text)
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
  start('mosquitto', ['-c', localised('mosquitto.conf', 'mosquitto')])
  await until(async () => await listens(cloudMqtt), { withinMs: 10_000 })
  start(process.execPath, ['cloud-ingest/src/main.ts', '--config', localised('ingest.yaml', 'ingest')])
  start(process.execPath, ['edge-agent/src/main.ts', '--config', localised('agent.yaml', 'agent')])
  const ready = async (port: number) => await isReady(`http://127.0.0.1:${port}/readyz`)
  await until(async () => (await ready(agentHttp)) && (await ready(ingestHttp)), { withinMs: 30_000 }).catch(
    (error: unknown) => {
      throw new Error(output.join('').slice(-6_000), { cause: error })
    },
  )
  start(process.execPath, ['device-simulator/src/main.ts', '--config', localised('simulator.yaml', 'simulator')])
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
    .poll(async () => (await accounts()).total['held'] ?? 0, {
      timeout: 60_000,
    })
    .toBeGreaterThan(100)
  expect((await accounts()).total).toMatchObject({ unaccounted: 0, dropped: 0, conflicts: 0 })
  const count = async () =>
    (await query('SELECT count("mean") FROM "minute"."summary_1m"', 'grafana', secrets.influxReader)).text
  await expect.poll(count, { timeout: 20_000 }).toMatch(/"values":\[\["1970-01-01T00:00:00Z",\d+\]\]/)
  expect(await isFresh(join(folder, 'data/simulator/ledger'), { withinMs: 30_000, now: Date.now() })).toBe(true)
})

test('nobody comes in without the secrets', async () => {
  expect((await api('/')).status).toBe(401)
  expect((await api('/api/series')).status).toBe(401)
  expect((await fetch(`http://127.0.0.1:${ports.agentHttp}/api/status`)).status).toBe(401)
  expect((await query('SHOW DATABASES')).status).toBe(401)
  expect((await query('DROP DATABASE telemetry', 'grafana', secrets.influxReader)).status).toBe(403)
})
