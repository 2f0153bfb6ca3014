import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { until } from '@millrace/pipeline/testing'
import { median } from './hot-path/measure.ts'

// How long devices wait for their PUBACK while one other device sends as fast as its connection takes it, with and
// without a quota. The quota is twice what each of them sends; the first second of a flood, which is the flooder's
// burst, is not measured. Usage: npm run bench flood [-- --devices 50 --hz 10 --seconds 6 --rounds 3]
const { values } = parseArgs({
  options: {
    devices: { type: 'string', default: '50' },
    hz: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '6' },
    rounds: { type: 'string', default: '3' },
  },
})
const [devices, hz, seconds] = [Number(values.devices), Number(values.hz), Number(values.seconds)]
const quota = { messagesPerSecond: 2 * hz, burst: 20 * hz }
const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

async function start(script: string, args: readonly (string | number)[]): Promise<ChildProcess> {
  const child = fork(file(script), args.map(String), { execArgv: ['--disable-warning=ExperimentalWarning'] })
  await once(child, 'message')
  return child
}

interface Outcome {
  p50: number
  p99: number
  floodPerSecond: number
  lost: number
}

interface DeviceRow {
  device: string
  accepted: number
}

interface Case {
  name: string
  when: 'crowded' | 'never'
  /** Readings in each message of the flood; 0: none. */
  flood: number
}

async function withAgent(when: string, use: (ports: { mqtt: number; http: number }) => Promise<Outcome>) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-flood-'))
  const [mqtt, http] = [await freePort(), await freePort()]
  const config = {
    ...{ agent: 'bench', site: 'bench', dataDir: folder, http: { port: http }, log: { level: 'error' } },
    ...{ collect: { type: 'broker', port: mqtt, quota: { ...quota, when } } },
    ...{ uplink: { type: 'mqtt', url: 'mqtt://127.0.0.1:9' } },
  }
  writeFileSync(join(folder, 'agent.yaml'), JSON.stringify(config))
  const args = ['--config', join(folder, 'agent.yaml')]
  const agent = fork(file('../edge-agent/src/main.ts'), args, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  try {
    const ready = async () => (await fetch(`http://127.0.0.1:${http}/readyz`).catch(() => undefined))?.ok
    await until(ready, { withinMs: 30_000, everyMs: 100, label: 'a ready agent' })
    return await use({ mqtt, http })
  } finally {
    const ended = once(agent, 'exit')
    agent.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true })
  }
}

async function accepted(http: number): Promise<{ others: number; flood: number }> {
  const status = await (await fetch(`http://127.0.0.1:${http}/api/status?devices=1`)).json()
  const rows = (status as { devices: DeviceRow[] }).devices
  const sum = (own: (name: string) => boolean) =>
    rows.filter(({ device }) => own(device)).reduce((total, row) => total + row.accepted, 0)
  return { others: sum((name) => /^d\d+$/.test(name)), flood: sum((name) => name === 'flood') }
}

function measure({ when, flood }: Case): Promise<Outcome> {
  return withAgent(when, async ({ mqtt, http }) => {
    const others = await start('flood/others.ts', [mqtt, devices, hz, seconds])
    const flooder = flood > 0 ? await start('flood/flooder.ts', [mqtt, flood]) : undefined
    // In the crowd of the others from the start.
    const done = once(others, 'message')
    others.send('go')
    flooder?.send('go')
    const startMs = performance.now()
    const [{ latencies }] = (await done) as [{ latencies: number[] }]
    const tookS = (performance.now() - startMs) / 1000
    const end = flooder ? once(flooder, 'exit') : undefined
    flooder?.kill('SIGKILL')
    await end
    others.disconnect()
    await delay(500)
    const counts = await accepted(http)
    // Of the second half: the burst of the flooder is over.
    const sorted = latencies.slice(latencies.length >> 1).toSorted((a, b) => a - b)
    const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1]!
    const lost = devices * hz * seconds - counts.others
    return { p50: at(0.5), p99: at(0.99), floodPerSecond: counts.flood / tookS, lost }
  })
}

const cases: Case[] = [
  { name: 'no flood', when: 'crowded', flood: 0 },
  { name: 'flood, no quota', when: 'never', flood: 1 },
  { name: 'flood, quota', when: 'crowded', flood: 1 },
  { name: 'flood of 1,000 readings each, no quota', when: 'never', flood: 1000 },
  { name: 'flood of 1,000 readings each, quota', when: 'crowded', flood: 1000 },
]
const outcomes = cases.map((): Outcome[] => [])
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [index, one] of cases.entries()) outcomes[index]!.push(await measure(one))
}

console.log(
  `${devices} devices at ${hz} messages a second, quota ${quota.messagesPerSecond}/s with a burst of ${quota.burst};`,
)
console.log(
  `PUBACK of the others, medians of ${values.rounds} interleaved rounds; x: against no flood in the same round\n`,
)
for (const [index, { name }] of cases.entries()) {
  const of = (field: keyof Outcome) => median(outcomes[index]!.map((outcome) => outcome[field]))
  const ratio = (field: 'p50' | 'p99') =>
    median(outcomes[index]!.map((outcome, round) => outcome[field] / outcomes[0]![round]![field])).toFixed(2)
  const times = (['p50', 'p99'] as const).map(
    (field) => `${field} ${of(field).toFixed(1).padStart(6)} ms ${ratio(field).padStart(6)} x`,
  )
  const lost = outcomes[index]!.reduce((sum, outcome) => sum + outcome.lost, 0)
  const rate = of('floodPerSecond').toFixed(0).padStart(7)
  console.log(`${name.padEnd(40)} ${times.join('   ')}   flood ${rate} readings/s   lost ${lost}`)
}
