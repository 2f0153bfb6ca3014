import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, until, Watched } from '@millrace/pipeline/testing'

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/** A real Mosquitto on a free port that keeps nothing on disk. */
export class Mosquitto {
  private readonly folder = mkdtempSync(join(tmpdir(), 'millrace-mosquitto-'))
  port = 0
  private server: Watched | undefined
  private isOver = false

  /** Does nothing once it is closed. */
  async start(): Promise<this> {
    if (this.isOver) return this
    this.port ||= await freePort()
    const config = join(this.folder, 'mosquitto.conf')
    writeFileSync(config, `listener ${this.port} 127.0.0.1\nallow_anonymous true\npersistence false\n`)
    this.server = new Watched('mosquitto', ['-c', config])
    await until(() => answers(this.port), { label: 'mosquitto answers' })
    return this
  }

  async kill(): Promise<void> {
    const server = this.server
    this.server = undefined
    await server?.kill()
  }

  async close(): Promise<void> {
    this.isOver = true
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
