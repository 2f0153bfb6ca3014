import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { choosePorts } from './ports.ts'
import { processSpecs } from './process-specs.ts'
import { writeRunFile } from './run-file.ts'
import { lockDataFolder } from './stack-lock.ts'
import { Supervised } from './supervised.ts'

const never = new AbortController().signal
const anyPorts = { http: 0, mqtt: 0, agent: 0, cloudMqtt: 0 }
const started: Supervised[] = []

afterEach(async () => {
  for (const supervised of started.splice(0)) await supervised.stop(1000)
})

const isAlive = (pid: number | null) => {
  try {
    return pid !== null && process.kill(pid, 0)
  } catch {
    return false
  }
}

/** The local cloud broker, a real process of ours. */
async function brokerProcess() {
  const ports = await choosePorts(anyPorts)
  const options = { dataDir: '', ports, window: '1m', simulator: [], keys: false }
  const [spec] = processSpecs(options, { clock: '', agentConfig: '', ingestConfig: '', ledger: '' }, undefined)
  const deaths: string[] = []
  const supervised = new Supervised(spec!, {
    line: () => undefined,
    started: () => undefined,
    died: (_name, how) => deaths.push(how),
    ended: () => undefined,
  })
  started.push(supervised)
  return { supervised, deaths, spec: spec! }
}

describe('a supervised process', () => {
  it('is started again after kill -9, and stays away once it was told to stop', async () => {
    const { supervised, deaths, spec } = await brokerProcess()
    await supervised.start(never)
    const first = supervised.pid
    supervised.kill()
    await until(() => supervised.pid !== null && supervised.pid !== first)
    await until(() => spec.ready())
    expect(deaths).toEqual(['SIGKILL'])
    expect(supervised.restarts).toBe(1)
    const second = supervised.pid
    await supervised.stop(3000)
    expect(isAlive(second)).toBe(false)
    expect(supervised.pid).toBe(null)
  })

  it('that refuses its settings is not tried again, and its words are in the error', async () => {
    const { supervised } = await brokerProcess()
    const wrong = new Supervised(
      { ...supervised.spec, args: ['broker', '--port', 'x'], ready: async () => false },
      { line: () => undefined, started: () => undefined, died: () => undefined, ended: () => undefined },
    )
    await expect(wrong.start(never)).rejects.toThrow('--port: found x')
    expect(wrong.restarts).toBe(0)
  })
})

it('a taken port is named by its flag', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  await expect(choosePorts({ ...anyPorts, agent: port })).rejects.toMatchObject({
    exitCode: 2,
    problems: [{ path: '--agent-port', found: `${port}, which is taken` }],
  })
  server.close()
})

describe('a data folder', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace up-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('is for one stack at a time, and the message names its process', () => {
    const lock = lockDataFolder(folder)
    writeRunFile(folder, { pid: 4321, startedAt: 0, ports: { ...anyPorts, relay: 0 }, processes: {} })
    expect(() => lockDataFolder(folder)).toThrow('already running on')
    expect(() => lockDataFolder(folder)).toThrow('process 4321')
    lock.release()
    lockDataFolder(folder).release()
  })
})
