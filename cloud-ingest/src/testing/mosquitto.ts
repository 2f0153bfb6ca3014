import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '@millrace/pipeline/testing'
import { freePort } from './free-port.ts'

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('close', () => socket.destroy())
    setTimeout(() => socket.destroy(), 100)
  })
}

/** A real Mosquitto on a free port that keeps nothing on disk. */
export class Mosquitto {
  private readonly folder = mkdtempSync(join(tmpdir(), 'millrace-mosquitto-'))
  port = 0
  private child: ChildProcess | undefined

  async start(): Promise<this> {
    this.port ||= await freePort()
    const config = join(this.folder, 'mosquitto.conf')
    writeFileSync(config, `listener ${this.port} 127.0.0.1\nallow_anonymous true\npersistence false\n`)
    this.child = spawn('mosquitto', ['-c', config], { stdio: 'ignore' })
    await until(() => answers(this.port), { label: 'mosquitto answers' })
    return this
  }

  async kill(): Promise<void> {
    if (!this.child) return
    const ended = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await ended
    this.child = undefined
  }

  async close(): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
