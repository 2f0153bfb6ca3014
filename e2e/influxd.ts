import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { choosePorts } from '../packages/cli/src/up/ports.ts'
import { until } from '../packages/pipeline/testing/index.ts'
import { temporaryFolder } from './stack.ts'

export const influxdAbsent = spawnSync('influxd', ['version']).error !== undefined

/** A real InfluxDB 1 with a data folder of its own. */
export class Influxd {
  readonly url: string
  readonly #child: ChildProcess
  readonly #folder: string

  private constructor(url: string, child: ChildProcess, folder: string) {
    this.url = url
    this.#child = child
    this.#folder = folder
  }

  static async start(): Promise<Influxd> {
    const folder = temporaryFolder()
    const { http, agent: rpc } = await choosePorts({ http: 0, mqtt: 0, agent: 0, cloudMqtt: 0 })
    for (const name of ['meta', 'data', 'wal']) mkdirSync(join(folder, name))
    const config = `
reporting-disabled = true
bind-address = "127.0.0.1:${rpc}"
[meta]
  dir = "${join(folder, 'meta')}"
[data]
  dir = "${join(folder, 'data')}"
  wal-dir = "${join(folder, 'wal')}"
[http]
  bind-address = "127.0.0.1:${http}"
  log-enabled = false
[logging]
  level = "error"
`
    writeFileSync(join(folder, 'influxdb.conf'), config)
    const child = spawn('influxd', ['-config', join(folder, 'influxdb.conf')], { stdio: 'ignore' })
    const url = `http://127.0.0.1:${http}`
    const answers = async () => (await fetch(`${url}/ping`).catch(() => undefined))?.ok
    await until(answers, { withinMs: 30_000, everyMs: 100, label: 'an answer of influxd' })
    return new Influxd(url, child, folder)
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await gone
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
