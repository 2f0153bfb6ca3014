import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, expect, it } from 'vitest'
import { stringify } from 'yaml'
import type { Plan } from '../packages/cli/src/plan/arithmetic.ts'
import { Supervised } from '../packages/cli/src/up/supervised.ts'
import { freePort, until } from '../packages/pipeline/testing/index.ts'
import { run, temporaryFolder } from './stack.ts'

const folder = temporaryFolder()
const started: Supervised[] = []
afterEach(async () => {
  for (const part of started.reverse()) await part.stop(3000)
  rmSync(folder, { recursive: true, force: true })
})

const events = { line: () => undefined, started: () => undefined, died: () => undefined }
const unheard = { ...events, ended: () => undefined, refused: () => undefined }

async function start(app: 'agent' | 'simulator', ready: (() => Promise<boolean>) | undefined, ...args: string[]) {
  const part = new Supervised({ name: app, app, args, ...(ready ? { ready } : {}) }, unheard)
  started.push(part)
  await part.start(AbortSignal.timeout(60_000))
  return part
}

const devices = (names: string[]) =>
  names.map((device) => ({ device, every: '1s', sensors: [{ type: 'temperature' }, { type: 'vibration' }] }))
const fleet = { sites: ['a', 'b'].map((site) => ({ site, devices: devices(['d1', 'd2', 'd3', 'd4', 'd5']) })) }

/** Without a cloud the outbox keeps all that the agent ever made. */
function outboxOf(dataDir: string) {
  const file = new DatabaseSync(join(dataDir, 'spool.db'), { readOnly: true })
  const bodies = file.prepare('SELECT bytes FROM outbox').all() as { bytes: Uint8Array }[]
  const sets = file.prepare('SELECT bytes FROM set_bytes').get() as { bytes: number }
  file.close()
  const rows = bodies.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString('utf8')).columns.count as number[])
  const readings = rows.flat().reduce((sum, count) => sum + count, 0)
  const bytes = bodies.reduce((sum, body) => sum + body.bytes.byteLength, 0)
  return { bodies: bodies.length, bytes, rows: rows.flat().length, readings, setBytes: sets.bytes }
}

it('in the bytes of a summary and of a message, and in the sets that a reading leaves', async () => {
  const fleetFile = join(folder, 'fleet.yaml')
  writeFileSync(fleetFile, stringify(fleet))
  const [mqtt, http, cloudMqtt] = [await freePort(), await freePort(), await freePort()]
  const config = join(folder, 'agent.yaml')
  const dataDir = join(folder, 'agent')
  writeFileSync(
    config,
    stringify({
      ...{ agent: 'edge', site: 'a', dataDir, http: { port: http }, windows: { length: '5s', lateness: '1s' } },
      collect: { type: 'broker', port: mqtt },
      uplink: { type: 'mqtt', url: `mqtt://127.0.0.1:${cloudMqtt}` },
    }),
  )
  const planned = await run('plan', '--fleet', fleetFile, '--config', config, '--sample', '2m', '--json')
  expect(planned).toMatchObject({ code: 0, stderr: '' })
  const plan = JSON.parse(planned.stdout) as Plan
  expect(plan.fleet).toMatchObject({ sites: 2, devices: 10, series: 20 })

  const status = () => fetch(`http://127.0.0.1:${http}/api/status`).catch(() => undefined)
  const agent = await start('agent', async () => (await status())?.ok === true, '--config', config)
  await start('simulator', undefined, '--url', `mqtt://127.0.0.1:${mqtt}`, '--fleet', fleetFile)
  const enough = async () => {
    const body = (await (await status())?.json()) as { accounts: { closed: number } } | undefined
    return (body?.accounts.closed ?? 0) >= 1_000
  }
  await until(enough, { withinMs: 150_000, everyMs: 500, label: 'a thousand closed readings' })
  await agent.stop(5000)

  const real = outboxOf(dataDir)
  const near = (planned: number, found: number, share: number) => {
    expect(planned / found).toBeGreaterThan(1 - share)
    expect(planned / found).toBeLessThan(1 + share)
  }
  near(plan.uplink.bytesPerSummary, real.bytes / real.rows, 0.1)
  near(plan.uplink.bytesPerReading, real.bytes / real.readings, 0.15)
  near(plan.uplink.bytesPerMessage, real.bytes / real.bodies, 0.4)
})
