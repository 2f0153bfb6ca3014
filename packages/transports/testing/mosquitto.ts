import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePort, until } from '@millrace/pipeline/testing'

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/** A real Mosquitto with these lines in its configuration, listening on a loopback port of its own. */
export async function startMosquitto(folder: string, lines: readonly string[]) {
  const port = await freePort()
  const config = join(folder, `mosquitto-${port}.conf`)
  await writeFile(config, [`listener ${port} 127.0.0.1`, ...lines, ''].join('\n'))
  const child: ChildProcess = spawn('mosquitto', ['-c', config], { stdio: 'ignore' })
  await until(() => answers(port), { label: 'Mosquitto' })
  const stop = async () => {
    const ended = once(child, 'exit')
    child.kill()
    await ended
  }
  return { port, stop }
}
