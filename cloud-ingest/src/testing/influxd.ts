import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, until } from '@millrace/pipeline/testing'

export interface InfluxdOptions {
  /** Made at the first start; from then on the server asks for credentials. */
  admin?: { name: string; password: string }
}

/** A real InfluxDB 1.x on a free port with a folder of its own. */
export class Influxd {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-influxd-'))
  private readonly admin: InfluxdOptions['admin']
  url = ''
  private port = 0
  private child: ChildProcess | undefined

  constructor({ admin }: InfluxdOptions = {}) {
    this.admin = admin
  }

  async start(): Promise<this> {
    this.port ||= await freePort()
    this.url = `http://127.0.0.1:${this.port}`
    const settings = {
      INFLUXDB_REPORTING_DISABLED: 'true',
      INFLUXDB_BIND_ADDRESS: '127.0.0.1:0',
      INFLUXDB_HTTP_BIND_ADDRESS: `127.0.0.1:${this.port}`,
      INFLUXDB_HTTP_LOG_ENABLED: 'false',
      INFLUXDB_HTTP_AUTH_ENABLED: String(this.admin !== undefined),
      INFLUXDB_META_DIR: join(this.folder, 'meta'),
      INFLUXDB_DATA_DIR: join(this.folder, 'data'),
      INFLUXDB_DATA_WAL_DIR: join(this.folder, 'wal'),
    }
    this.child = spawn('influxd', ['run', '-config', '/dev/null'], { env: settings, stdio: 'ignore' })
    const answers = async () => (await fetch(`${this.url}/ping`).catch(() => undefined))?.status === 204
    await until(answers, { withinMs: 30_000, everyMs: 50, label: 'influxd answers' })
    if (this.admin)
      await this.query(`CREATE USER "${this.admin.name}" WITH PASSWORD '${this.admin.password}' WITH ALL PRIVILEGES`)
    return this
  }

  async kill(): Promise<void> {
    if (!this.child) return
    const ended = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await ended
    this.child = undefined
  }

  async query(statement: string, database?: string): Promise<unknown> {
    const body = new URLSearchParams({ q: statement, epoch: 'ms', ...(database ? { db: database } : {}) })
    const pair = Buffer.from(`${this.admin?.name}:${this.admin?.password}`).toString('base64')
    const headers = new Headers(this.admin ? { authorization: `Basic ${pair}` } : {})
    return await (await fetch(`${this.url}/query`, { method: 'POST', body, headers })).json()
  }

  async dispose(): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
