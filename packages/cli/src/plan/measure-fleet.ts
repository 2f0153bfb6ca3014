import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type MeasuredSample, measuredSampleSchema } from '@millrace/contracts'
import { durationMs, loadConfig, MillraceError } from '@millrace/pipeline'
import { stringify } from 'yaml'
import { z } from 'zod'
import { type App, appArguments } from '../apps.ts'

export interface FleetWish {
  /** Fleet file; the built-in fleet without one. */
  fleet?: string | undefined
  devices?: string | undefined
  rate?: string | undefined
  seed?: string | undefined
  /** Config file of the agent; one like that of `millrace up` without. */
  config?: string | undefined
  /** Length of a window, where no config says it. */
  window?: string | undefined
  /** How much of the fleet's past to measure; as many windows as make a fair sample without. */
  sample?: string | undefined
}

/** A day like any other, so that a plan is the same tomorrow. */
const until = '2026-01-08T12:00:00Z'
const wrongUsage = 2

const fewestWindows = 4
const shortestMs = 10 * 60_000
/** Needed until things run evenly. */
const leadWindows = 2

function sampleMs(lengthMs: number): number {
  return (Math.max(fewestWindows, Math.ceil(shortestMs / lengthMs)) + leadWindows) * lengthMs
}

function fleetFlags({ fleet, devices, rate, seed, sample }: FleetWish, lengthMs: number): string[] {
  const flags = { '--fleet': fleet, '--devices': devices, '--rate': rate, '--seed': seed }
  const given = Object.entries(flags).flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]))
  return ['--print', '--until', until, '--history', sample ?? `${sampleMs(lengthMs)}ms`, ...given]
}

const lengthSchema = z.looseObject({ windows: z.looseObject({ length: durationMs.default(60_000) }).prefault({}) })

const plainAgent = {
  ...{ agent: 'edge', site: 'local', dataDir: './data/agent', collect: { type: 'broker' } },
  uplink: { type: 'mqtt', url: 'mqtt://127.0.0.1:1884' },
}

function start(app: App, args: readonly string[]) {
  const child = spawn(process.execPath, appArguments(app, args), { stdio: ['pipe', 'pipe', 'pipe'] })
  return { child, said: text(child.stderr), closed: once(child, 'close') as Promise<[number | null]> }
}

/** A process that was ended from here has no exit code, and nothing to say. */
async function demandSuccess(what: string, { said, closed }: ReturnType<typeof start>): Promise<void> {
  const [code] = await closed
  if (code === 0 || code === null) return
  const lines = (await said).trim()
  throw new MillraceError(code === wrongUsage ? 'usage' : 'internal', `${what}\n${lines}`)
}

async function measure(wish: FleetWish, config: string): Promise<MeasuredSample> {
  const { windows } = await loadConfig(config, lengthSchema)
  const simulator = start('simulator', fleetFlags(wish, windows.length))
  const agent = start('agent', ['--measure', '--config', config])
  simulator.child.stdin.end()
  // Whoever ends early says why; nobody then takes what the simulator prints.
  agent.child.stdin.on('error', () => undefined)
  void agent.closed.then(() => simulator.child.kill())
  simulator.child.stdout.pipe(agent.child.stdin)
  const printed = text(agent.child.stdout)
  await demandSuccess('the fleet cannot be planned:', simulator)
  await demandSuccess('the agent cannot measure it:', agent)
  return measuredSampleSchema.parse(JSON.parse(await printed))
}

/** The agent's own code, as a process, on what the simulator prints of the fleet's past. */
export async function measureFleet(wish: FleetWish): Promise<MeasuredSample> {
  if (wish.config !== undefined) return await measure(wish, wish.config)
  const folder = mkdtempSync(join(tmpdir(), 'millrace-plan-'))
  try {
    const config = join(folder, 'agent.yaml')
    writeFileSync(config, stringify({ ...plainAgent, windows: { length: wish.window ?? '1m' } }))
    return await measure(wish, config)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
