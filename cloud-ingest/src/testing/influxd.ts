import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '@millrace/pipeline/testing'
import { freePort } from './free-port.ts'

/** A real InfluxDB 1.x on a free port with a folder of its own. */
export class Influxd {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-influxd-'))
  url = ''
  private port = 0
  private child: ChildProcess | undefined

  async start(): Promise<this> {
    this.port ||= await freePort()
    this.url = `http://127.0.0.1:${this.port}`
    const settings = {
      INFLUXDB_REPORTING_DISABLED: 'true',
      INFLUXDB_BIND_ADDRESS: '127.0.0.1:0',
      INFLUXDB_HTTP_BIND_ADDRESS: `127.0.0.1:${this.port}`,
      INFLUXDB_HTTP_LOG_ENABLED: 'false',
      INFLUXDB_META_DIR: join(this.folder, 'meta'),
      INFLUXDB_DATA_DIR: join(this.folder, 'data'),
      INFLUXDB_DATA_WAL_DIR: join(this.folder, 'wal'),
    }
    this.child = spawn('influxd', ['run', '-config', '/dev/null'], { env: settings, stdio: 'ignore' })
    const answers = async () => (await fetch(`${this.url}/ping`).catch(() => undefined))?.status === 204
    await until(answers, { withinMs: 30_000, everyMs: 50, label: 'influxd answers' })
    return this
  }

  async kill(): Promise<void> {
    if (!this.child) return
    const ended = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await ended
    this.child = undefined
  }

  async query(statement: string): Promise<unknown> {
    const body = new URLSearchParams({ q: statement, epoch: 'ms' })
    return await (await fetch(`${this.url}/query`, { method: 'POST', body })).json()
  }

  async dispose(): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
