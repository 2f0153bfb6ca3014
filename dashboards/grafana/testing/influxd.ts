import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, until } from '../../../packages/pipeline/testing/index.ts'

export interface Influxd {
  url: string
  stop(): Promise<void>
}

interface Shape {
  folder: string
  http: number
  rpc: number
  auth: boolean
}

function configOf({ folder, http, rpc, auth }: Shape): string {
  return [
    'reporting-disabled = true',
    `bind-address = "127.0.0.1:${rpc}"`,
    `[meta]\ndir = "${join(folder, 'meta')}"`,
    `[data]\ndir = "${join(folder, 'data')}"\nwal-dir = "${join(folder, 'wal')}"\nquery-log-enabled = false`,
    '[monitor]\nstore-enabled = false',
    `[http]\nbind-address = "127.0.0.1:${http}"\nlog-enabled = false\nauth-enabled = ${auth}`,
    '[logging]\nlevel = "error"',
  ].join('\n')
}

async function answers(url: string): Promise<boolean> {
  return await fetch(`${url}/ping`).then(
    ({ status }) => status === 204,
    () => false,
  )
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

/** A real influxd of its own on free ports of loopback, with its files in a temporary folder. */
export async function startInfluxd({ auth = false } = {}): Promise<Influxd> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-influxd-'))
  const [http, rpc] = await Promise.all([freePort(), freePort()])
  await writeFile(join(folder, 'influxdb.conf'), configOf({ folder, http, rpc, auth }))
  const child = spawn('influxd', ['-config', join(folder, 'influxdb.conf')], { stdio: 'ignore' })
  const failed = new Promise<never>((_, reject) => child.once('error', reject))
  const url = `http://127.0.0.1:${http}`
  await until(() => Promise.race([answers(url), failed]), {
    withinMs: 20_000,
    everyMs: 50,
    label: `an answer of influxd at ${url}`,
  })
  return {
    url,
    async stop() {
      await end(child)
      await rm(folder, { recursive: true, force: true })
    },
  }
}
