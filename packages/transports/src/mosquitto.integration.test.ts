import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testTransport, until } from '@millrace/pipeline/testing'
import { afterAll, beforeAll, describe } from 'vitest'
import { openMqttTransport } from '../testing/under-test.ts'

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

describe('mqtt, by way of Mosquitto', () => {
  let mosquitto: ChildProcess
  let folder: string
  let port: number

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-mosquitto-'))
    port = await freePort()
    const config = join(folder, 'mosquitto.conf')
    const lines = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'max_inflight_messages 1000']
    await writeFile(config, [...lines, 'max_queued_messages 0', ''].join('\n'))
    mosquitto = spawn('mosquitto', ['-c', config], { stdio: 'ignore' })
    await until(() => answers(port), { label: 'Mosquitto' })
  })

  afterAll(async () => {
    mosquitto.kill()
    await rm(folder, { recursive: true })
  })

  testTransport(() => openMqttTransport(`mqtt://127.0.0.1:${port}`, async () => undefined), {
    senderAcknowledgedEarly: 'the broker in between acknowledges and keeps the message',
  })
})
