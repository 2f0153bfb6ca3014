import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MillraceError } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { stackPaths } from './config-files.ts'
import { readUpOptions } from './options.ts'
import { choosePorts } from './ports.ts'
import { processSpecs } from './process-specs.ts'
import { writeRunFile } from './run-file.ts'
import { simulatorProblems } from './simulator-problems.ts'
import { lockDataFolder } from './stack-lock.ts'
import { type ProcessSpec, Supervised } from './supervised.ts'

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
  const [spec] = processSpecs(options, stackPaths(''), undefined)
  const deaths: string[] = []
  const supervised = new Supervised(spec!, {
    line: () => undefined,
    started: () => undefined,
    died: (_name, how) => deaths.push(how),
    ended: () => undefined,
    refused: () => undefined,
  })
  started.push(supervised)
  return { supervised, deaths, spec: spec! }
}

function refusing(spec: ProcessSpec) {
  const refusals: MillraceError[] = []
  const quiet = { line: () => undefined, started: () => undefined, died: () => undefined, ended: () => undefined }
  const wrong = new Supervised(
    { ...spec, args: ['broker', '--port', 'x'] },
    { ...quiet, refused: (error) => refusals.push(error) },
  )
  started.push(wrong)
  return { wrong, refusals }
}

describe('a supervised process', () => {
  it('is started again after kill -9, and stays away once it was told to stop', async () => {
    const { supervised, deaths, spec } = await brokerProcess()
    await supervised.start(never)
    const first = supervised.pid
    supervised.kill()
    await until(() => supervised.pid !== null && supervised.pid !== first)
    await until(() => spec.ready!())
    expect(deaths).toEqual(['SIGKILL'])
    expect(supervised.restarts).toBe(1)
    const second = supervised.pid
    await supervised.stop(3000)
    expect(isAlive(second)).toBe(false)
    expect(supervised.pid).toBe(null)
  })

  it('that refuses its settings is not tried again, and its words are in the error', async () => {
    const { supervised } = await brokerProcess()
    const { wrong, refusals } = refusing({ ...supervised.spec, ready: async () => false })
    await expect(wrong.start(never)).rejects.toThrow('--port: found x')
    expect(wrong.restarts).toBe(0)
    expect(refusals).toHaveLength(1)
  })

  it('that refuses its settings is not tried again on a machine where that takes it long', async () => {
    const { supervised } = await brokerProcess()
    const { wrong, refusals } = refusing({ ...supervised.spec, ready: async () => false })
    const now = performance.now.bind(performance)
    const refused = wrong.start(never)
    const later = vi.spyOn(performance, 'now').mockImplementation(() => now() + 5_000)
    onTestFinished(() => later.mockRestore())
    await expect(refused).rejects.toThrow('--port: found x')
    expect([wrong.restarts, refusals.length]).toEqual([0, 1])
  })

  it('that nobody can ask whether it is ready ends with its refusal all the same', async () => {
    const { ready: _ready, ...spec } = (await brokerProcess()).spec
    const { wrong, refusals } = refusing(spec)
    await wrong.start(never)
    await until(() => refusals.length > 0)
    expect(refusals[0]).toMatchObject({ exitCode: 2 })
    expect(refusals[0]!.message).toContain('--port: found x')
    expect(wrong.restarts).toBe(0)
  })
})

it('the simulator names every wrong flag of its own before anything starts', async () => {
  const flags = {
    window: '1m',
    httpPort: '0',
    mqttPort: '0',
    agentPort: '0',
    cloudMqttPort: '0',
    dataDir: '',
    keys: true,
  }
  const wrong = { ...flags, devices: '-1', rate: 'x', perturb: 'foo=2', seed: 'abc' }
  const problems = await simulatorProblems(wrong)
  expect(problems.map(({ path }) => path).toSorted()).toEqual(['--devices', '--perturb', '--rate', '--seed'])
  expect(problems).toContainEqual({ path: '--devices', found: '-1', expected: 'at least 0' })
  expect(() => readUpOptions({ ...wrong, speed: '0' }, problems)).toThrow(
    expect.objectContaining({ exitCode: 2, problems: expect.objectContaining({ length: 5 }) }),
  )
  expect(await simulatorProblems(flags)).toEqual([])
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

  it.each([
    ['is a file', 'file'],
    ['lies in a file', 'file/data'],
    ['has a lock that is none', '.'],
  ])('that %s is refused with its path', (_claim, path) => {
    writeFileSync(join(folder, 'file'), 'x')
    writeFileSync(join(folder, 'up.lock'), 'no database, but long enough to be looked at as one'.repeat(20))
    const dataDir = join(folder, path)
    const problems = [expect.objectContaining({ path: '--data-dir', found: expect.stringContaining(dataDir) })]
    expect(() => lockDataFolder(dataDir)).toThrow(expect.objectContaining({ exitCode: 2, problems }))
  })
})
