import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Stack } from '../cloud-ingest/src/testing/stack.ts'
import type { Agent } from '../edge-agent/src/agent.ts'
import { Device } from '../edge-agent/src/testing/device.ts'
import { Bench, freePort } from '../edge-agent/src/testing/fixture.ts'
import { until } from '../packages/pipeline/testing/index.ts'

const main = fileURLToPath(new URL('../packages/cli/src/main.ts', import.meta.url))
let bench: Bench
let stack: Stack
let agent: Agent
let device: Device
beforeEach(async () => {
  bench = new Bench()
  const { port } = await bench.broker()
  stack = await new Stack({ brokerPort: port }).start()
  const mqttPort = await freePort()
  agent = await bench.agent({ dataDir: await bench.folder(), cloudPort: port, mqttPort })
  device = await bench.add(new Device(`mqtt://127.0.0.1:${mqttPort}`, 'hall', 'd1'))
})
afterEach(async () => {
  await bench.close()
  await stack.stop()
})

async function millrace(...args: string[]): Promise<string> {
  const urls = ['--url', `http://127.0.0.1:${stack.ingest!.port}`, '--agent-url', `http://127.0.0.1:${agent.httpPort}`]
  return (await promisify(execFile)(process.execPath, [main, ...args, ...urls])).stdout
}

it('millrace explain tells one window alike at agent, ingest and store; dead-letters show is safe at a terminal', async () => {
  const baseMs = Math.floor((Date.now() - 600_000) / 10_000) * 10_000
  for (const seq of [0, 1, 3, 40]) {
    await device.send({ ts: baseMs + seq * 1_000, seq, boot: 'a', readings: { temperature: seq } })
  }
  await agent.pipeline.checkpoints.run(undefined, true)
  await until(async () => (await stack.summaries({ site: 'hall', device: 'd1' })).summaries.length === 1)
  const found = JSON.parse(await millrace('explain', 'hall/d1/temperature', String(baseMs), '--json'))
  expect(found.agent.window.set).toMatchObject({
    count: 3,
    boots: [
      {
        boot: 'a',
        ranges: [
          [0, 1],
          [3, 3],
        ],
      },
    ],
  })
  expect(found.ingest.parts).toMatchObject([{ count: 3, rev: 0, refused: false, message: { seq: expect.any(Number) } }])
  expect(found.ingest.rows).toMatchObject([{ store: 'duckdb', row: { count: 3 }, error: null }])
  await device.raw('{"readings":\u001b[2J\u202e')
  const shown = await millrace('dead-letters', 'show', 'bad-json')
  expect(shown).toContain('{"readings":\\u{1b}[2J\\u{202e}')
  expect(shown).not.toMatch(/[^\P{C}\n]/u)
})
