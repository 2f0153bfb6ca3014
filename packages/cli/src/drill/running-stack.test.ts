import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type RunFile, writeRunFile } from '../up/run-file.ts'
import { drillFolder, removeFolder } from './folder.ts'
import { demandConsent, RunningStack } from './running-stack.ts'

let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-running-'))
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

const ports = { http: 1, mqtt: 2, agent: 3, cloudMqtt: 4, relay: 5 }
const run = (more: Partial<RunFile> = {}): RunFile => ({
  ...{ pid: process.pid, startedAt: 0, ports },
  processes: { agent: { pid: process.pid, restarts: 0 }, ingest: { pid: null, restarts: 0 } },
  ...more,
})

test('a stack that somebody uses is hurt only where they said so, and are told how', () => {
  writeRunFile(dataDir, run())
  expect(() => demandConsent(dataDir, undefined)).toThrow(
    expect.objectContaining({
      exitCode: 2,
      hint: expect.stringMatching(/kill -9.*uplink.*poison.*never fills its disk.*--yes/s),
    }),
  )
  expect(() => demandConsent(dataDir, true)).not.toThrow()
})

test('where nothing runs there is nothing to drill', () => {
  const nothing = expect.objectContaining({ exitCode: 2, message: expect.stringContaining('no stack') })
  expect(() => demandConsent(dataDir, true)).toThrow(nothing)
  writeRunFile(dataDir, run({ pid: null }))
  expect(() => demandConsent(dataDir, true)).toThrow(nothing)
})

test('a cable that is cut already is left to whoever cut it; of the processes those are killed that there are', async () => {
  writeRunFile(dataDir, run())
  await expect(RunningStack.join(dataDir, undefined)).rejects.toMatchObject({ exitCode: 2 })
  const cable = createServer(() => undefined)
  const relay = await new Promise<number>((resolve) =>
    cable.listen(0, '127.0.0.1', () => resolve((cable.address() as { port: number }).port)),
  )
  writeRunFile(dataDir, run({ ports: { ...ports, relay } }))
  const stack = await RunningStack.join(dataDir, undefined)
  expect([stack.victims, stack.disk, stack.speed]).toEqual([['agent', 'ingest'], undefined, 1])
  expect([stack.pid('agent'), stack.pid('ingest'), stack.pid('broker')]).toEqual([process.pid, null, null])
  writeRunFile(dataDir, run({ pid: null }))
  await stack.connectUplink(false)
  expect(stack.uplinkConnected).toBe(false)
  await new Promise((resolve) => cable.close(resolve))
})

test('a drill takes no folder that holds anything, and leaves none of its own', () => {
  writeRunFile(dataDir, run())
  expect(() => drillFolder({ dataDir })).toThrow(expect.objectContaining({ exitCode: 2 }))
  const own = drillFolder({})
  expect(own).toContain(`millrace-drill-${process.pid}-`)
  expect(drillFolder({ dataDir: own })).toBe(own)
  removeFolder(own)
  expect(() => rmSync(own)).toThrow(/ENOENT/)
})
