import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, until, Watched } from '../packages/pipeline/testing/index.ts'
import { temporaryFolder } from './stack.ts'

export const influxdAbsent = spawnSync('influxd', ['version']).error !== undefined

/** A real InfluxDB 1 with a data folder of its own. */
export class Influxd {
  readonly url: string
  #server: Watched | undefined
  readonly #folder: string

  private constructor(url: string, folder: string) {
    this.url = url
    this.#folder = folder
  }

  static async start(): Promise<Influxd> {
    const folder = temporaryFolder()
    const [http, rpc] = [await freePort(), await freePort()]
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
    const influxd = new Influxd(`http://127.0.0.1:${http}`, folder)
    await influxd.up()
    return influxd
  }

  /** Does nothing where it runs. */
  async up(): Promise<void> {
    if (this.#server) return
    this.#server = new Watched('influxd', ['-config', join(this.#folder, 'influxdb.conf')])
    const answers = async () => (await fetch(`${this.url}/ping`).catch(() => undefined))?.ok
    await until(answers, { withinMs: 30_000, everyMs: 100, label: 'an answer of influxd' })
  }

  /** kill -9; what it holds stays. */
  async down(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    await server?.kill()
  }

  async stop(): Promise<void> {
    await this.down()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
