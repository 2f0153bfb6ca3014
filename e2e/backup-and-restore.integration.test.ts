import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { Influxd } from './influxd.ts'
import { clean, RunningStack, run, temporaryFolder } from './stack.ts'

let stack: RunningStack | undefined
let influxd: Influxd | undefined
const dataDir = temporaryFolder()
const backups = temporaryFolder()
afterEach(async () => {
  await stack?.remove()
  await influxd?.stop()
  for (const folder of [dataDir, backups]) rmSync(folder, { recursive: true, force: true })
})

const stores = ['duckdb', 'influxdb'] as const
const flags = () => [
  '--speed',
  '60',
  '--devices',
  '12',
  '--seed',
  '11',
  '--perturb',
  'all=0.02',
  '--influx',
  influxd!.url,
]
const start = async () => await RunningStack.start(dataDir, ...flags())

async function checkAll(running: RunningStack): Promise<number> {
  let windows = 0
  for (const store of stores) {
    const verdict = await running.verify('--wait', '--store', store)
    expect(verdict, store).toMatchObject({ ok: true, ...clean })
    windows = verdict.windows
  }
  return windows
}

/** Of the spool, of the embedded store and of InfluxDB nothing is left. */
async function destroy(): Promise<void> {
  rmSync(join(dataDir, 'ingest'), { recursive: true })
  const body = new URLSearchParams({ q: 'DROP DATABASE "telemetry"' })
  expect((await fetch(`${influxd!.url}/query`, { method: 'POST', body })).ok).toBe(true)
}

it('a backup of either store, made beside the running stack, brings everything back', async () => {
  influxd = await Influxd.start()
  stack = await start()
  await delay(8_000)
  await stack.endSimulator()
  const windows = await checkAll(stack)
  expect(windows).toBeGreaterThan(100)

  for (const store of stores) {
    const made = await run('backup', '--to', join(backups, store), '--data-dir', dataDir, '--store', store)
    expect(made, made.stderr).toMatchObject({ code: 0 })
    expect(readdirSync(join(backups, store))).toHaveLength(1)
    await stack.stop()
    const refused = await run('restore', '--from', join(backups, store), '--data-dir', dataDir)
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('nothing was restored')

    await destroy()
    const restored = await run('restore', '--from', join(backups, store), '--data-dir', dataDir)
    expect(restored, restored.stderr).toMatchObject({ code: 0 })
    stack = await start()
    await delay(3_000)
    await stack.endSimulator()
    expect(await checkAll(stack)).toBeGreaterThanOrEqual(windows)
  }
})
