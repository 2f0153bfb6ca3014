import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Message } from '@azure/iot-device'
import { expect, it } from 'vitest'
import { atEnd, eventsOf, newHubFolder, sdkClient, startHub, textOf } from '../testing/index.ts'

const script = fileURLToPath(new URL('../testing/hub-process.ts', import.meta.url))

interface Started {
  child: ChildProcess
  mqtt: number
  device: string
  ca: string
}

async function start(dataDir: string, port: number): Promise<Started> {
  const child = spawn(process.execPath, [script, dataDir, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] })
  atEnd(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the hub ended at its start')))
  const [line] = (await Promise.race([once(child.stdout, 'data'), ended])) as [Buffer]
  ended.catch(() => undefined)
  return { child, ...(JSON.parse(line.toString()) as Omit<Started, 'child'>) }
}

it('kill -9 of the hub loses no telemetry that it acknowledged, and no device', async () => {
  const dataDir = newHubFolder()
  const acknowledged: string[] = []
  let next = 0
  let port = 0
  for (let round = 0; round < 4; round++) {
    const { child, mqtt, device, ca } = await start(dataDir, port)
    port = mqtt
    const client = await sdkClient(device, ca)
    client.setRetryPolicy({ shouldRetry: () => false, nextRetryTimeout: () => 0 })
    await client.open()
    const exited = once(child, 'exit')
    const killAt = acknowledged.length + 60 + Math.floor(Math.random() * 240)
    const sends = Array.from({ length: 600 }, async () => {
      const text = String(next++)
      await client.sendEvent(new Message(text))
      acknowledged.push(text)
      if (acknowledged.length === killAt) child.kill('SIGKILL')
    })
    await Promise.allSettled(sends)
    child.kill('SIGKILL')
    await exited
  }
  const hub = await startHub({ dataDir })
  const stored = (await eventsOf(hub.core.events.builtIn)).map(textOf)
  const held = new Set(stored)
  expect(acknowledged.filter((text) => !held.has(text))).toEqual([])
  expect(acknowledged.length).toBeGreaterThan(200)
  expect(stored).toEqual([...stored].sort((a, b) => Number(a) - Number(b)))
  expect(hub.core.registry.get('pi-01')).toBeDefined()
})
