import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeRunFile } from './run-file.ts'
import { portsWanted } from './stack.ts'

let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-ports-'))
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

const ports = { http: 0, mqtt: 0, agent: 0, cloudMqtt: 8883 }
const doors = { amqp: 0, amqps: 0, https: 0 }
const direct = { amqp: 1, amqps: 2, https: 3, mqtt: 4 }

test('the doors of a hub are those of the last run, and no door that only another way has', () => {
  writeRunFile(dataDir, { pid: null, startedAt: 0, ports: { ...ports, relay: 5, hub: direct }, processes: {} })
  expect(portsWanted({ dataDir, ports: { ...ports, hub: { ...doors, mqtt: 0 } } }).hub).toEqual(direct)
  // With the door of devices, the agent would look for the hub where nobody listens.
  expect(portsWanted({ dataDir, ports: { ...ports, hub: doors } }).hub).toEqual({ amqp: 1, amqps: 2, https: 3 })
  expect(portsWanted({ dataDir, ports })).toEqual(ports)
})
