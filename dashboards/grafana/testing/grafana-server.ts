import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { parse } from 'yaml'
import { freePort, until } from '../../../packages/pipeline/testing/index.ts'

const root = join(import.meta.dirname, '../../..')
const password = 'only-for-a-test'

export interface GrafanaPlace {
  binary: string
  /** The folder with `conf` and `public`. */
  home: string
}

export interface GrafanaServer {
  version: string
  /** The answer's JSON; an answer that is not 2xx rejects with what it says. */
  ask<T>(path: string, body?: object): Promise<T>
  log(): string
  stop(): Promise<void>
}

/** Where an installed Grafana is: named by GRAFANA_BIN (and GRAFANA_HOME), or in the path; undefined if nowhere. */
export function findGrafana(environment: NodeJS.ProcessEnv): GrafanaPlace | undefined {
  const inPath = (environment.PATH ?? '').split(delimiter).map((folder) => join(folder, 'grafana-server'))
  const binary = [environment.GRAFANA_BIN ?? '', ...inPath].find((path) => existsSync(path))
  if (binary === undefined) return undefined
  const homes = [environment.GRAFANA_HOME ?? '', join(dirname(binary), '..'), '/usr/share/grafana']
  const home = homes.find((folder) => existsSync(join(folder, 'conf/defaults.ini')))
  return home === undefined ? undefined : { binary, home }
}

/** Our provisioning with other paths, and with shorter times, so that a test need not wait for minutes. */
function writeProvisioning(folder: string): void {
  const to = join(folder, 'provisioning')
  cpSync(join(root, 'dashboards/grafana/provisioning'), to, { recursive: true })
  const secret = join(folder, 'password')
  writeFileSync(secret, password)
  for (const name of readdirSync(to, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.yaml')) continue
    const text = readFileSync(join(to, name), 'utf8')
      .replaceAll('/etc/grafana/dashboards', join(root, 'dashboards/grafana/dashboards'))
      .replaceAll('/run/secrets/millrace/influxdb-password', secret)
      .replace(/(?<=^ +interval: )60s$/gm, '10s')
      .replace(/(?<=group_wait: )30s$/gm, '1s')
      .replace(/(?<=group_interval: )5m$/gm, '5s')
    writeFileSync(join(to, name), text)
  }
}

/** What the compose file sets, but for what depends on containers. */
function composeEnvironment(): Record<string, string> {
  const { services } = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8')) as {
    services: { grafana: { environment: Record<string, string> } }
  }
  const kept = Object.entries(services.grafana.environment).filter(([name]) => !name.includes('PASSWORD'))
  const onDisk = join(root, 'dashboards/grafana/dashboards')
  const value = (text: string) => text.replace(/\$\{\w+:-(.*?)\}/g, '$1').replaceAll('/etc/grafana/dashboards', onDisk)
  return Object.fromEntries(kept.map(([name, text]) => [name, value(text)]))
}

function pathsAndAddress(folder: string, port: number): Record<string, string> {
  return {
    GF_PATHS_PROVISIONING: join(folder, 'provisioning'),
    GF_PATHS_DATA: join(folder, 'data'),
    GF_PATHS_LOGS: join(folder, 'logs'),
    GF_PATHS_PLUGINS: join(folder, 'plugins'),
    GF_SERVER_HTTP_ADDR: '127.0.0.1',
    GF_SERVER_HTTP_PORT: String(port),
    GF_SECURITY_ADMIN_PASSWORD: password,
    GF_LOG_MODE: 'console',
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

function asking(url: string): GrafanaServer['ask'] {
  const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`
  return async <T>(path: string, body?: object): Promise<T> => {
    const sent = body && { method: 'POST', body: JSON.stringify(body) }
    const headers = { authorization, 'content-type': 'application/json' }
    const response = await fetch(`${url}${path}`, { headers, ...sent })
    const text = await response.text()
    if (!response.ok || text === '') throw new Error(`${path} answered ${response.status}: ${text}`)
    return JSON.parse(text) as T
  }
}

/** A Grafana of its own on a free port of loopback, provisioned by the committed files. `environment` says where InfluxDB is and whom to tell. */
export async function startGrafana(
  { binary, home }: GrafanaPlace,
  environment: Record<string, string>,
): Promise<GrafanaServer> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-grafana-'))
  writeProvisioning(folder)
  const port = await freePort()
  const command = basename(binary) === 'grafana-server' ? [] : ['server']
  const child = spawn(binary, [...command, '--homepath', home], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...composeEnvironment(), ...pathsAndAddress(folder, port), ...environment },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes) => {
      output += bytes
    })
  const url = `http://127.0.0.1:${port}`
  const healthy = async () => child.exitCode !== null || (await fetch(`${url}/api/health`).catch(() => undefined))?.ok
  await until(healthy, { withinMs: 240_000, everyMs: 250, label: 'the health of Grafana' })
  if (child.exitCode !== null) {
    rmSync(folder, { recursive: true, force: true })
    throw new Error(`Grafana ended with ${child.exitCode}:\n${output.slice(-5000)}`)
  }
  const ask = asking(url)
  return {
    version: (await ask<{ version: string }>('/api/health')).version,
    ask,
    log: () => output,
    async stop() {
      await end(child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
