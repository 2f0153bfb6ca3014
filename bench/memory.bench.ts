import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { until } from '@millrace/pipeline/testing'
import { createBroker, createMqttLink } from '@millrace/transports'

// Resident memory of the agent, and what it writes to its disk, as the Raspberry Pi's unit starts it and as Node's defaults do: idle, and with 100 and
// 1,000 series at one reading a second, against a cloud that is there and gives no receipts. Linux alone.
// Usage: npm run bench memory [-- SECONDS [FLAGS]]
const seconds = Number(process.argv[2] ?? 40)
const ownFlags = process.argv[3]
const seriesPerDevice = 10
const installer = readFileSync(new URL('../deploy/raspberry-pi/install.sh', import.meta.url), 'utf8')
const unitFlags = /^v8_flags='([^']*)'/m.exec(installer)?.[1] ?? ''
const main = process.env.MILLRACE_AGENT_MAIN ?? fileURLToPath(new URL('../edge-agent/src/main.ts', import.meta.url))

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

function mebibytes(child: ChildProcess, what: 'VmRSS' | 'VmHWM' | 'RssAnon'): number {
  const text = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  return Math.round(Number(new RegExp(`^${what}:\\s+(\\d+)`, 'm').exec(text)?.[1]) / 1024)
}

function writtenBytes(child: ChildProcess): number {
  return Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${child.pid}/io`, 'utf8'))?.[1])
}

async function feed(url: string, series: number): Promise<void> {
  const link = createMqttLink({ url, clientId: 'bench' })
  await link.start()
  const values = (at: number) =>
    Object.fromEntries(Array.from({ length: seriesPerDevice }, (_, metric) => [`m${metric}`, 20 + ((at * metric) % 7)]))
  for (let at = 0; at < seconds; at++) {
    const readings = values(at)
    for (let device = 0; device < series / seriesPerDevice; device++) {
      const body = Buffer.from(JSON.stringify({ ts: Date.now(), seq: at, boot: 'b', readings }))
      link.publish({ topic: `telemetry/bench/d${device}`, body }).catch(() => undefined)
    }
    await delay(1000)
  }
  await link.stop()
}

async function measure(flags: readonly string[], series: number, cloudPort: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-memory-'))
  const [mqttPort, httpPort] = [await freePort(), await freePort()]
  const config = {
    ...{ agent: 'bench', site: 'bench', dataDir: folder, collect: { type: 'broker', port: mqttPort } },
    ...{ spool: { commit: '200ms' }, uplink: { type: 'mqtt', url: `mqtt://127.0.0.1:${cloudPort}` } },
    ...{ http: { port: httpPort }, log: { level: 'warn' } },
  }
  writeFileSync(join(folder, 'agent.yaml'), JSON.stringify(config))
  const child = spawn(process.execPath, [...flags, main, '--config', join(folder, 'agent.yaml')], { stdio: 'inherit' })
  try {
    const ready = async () =>
      child.exitCode !== null || (await fetch(`http://127.0.0.1:${httpPort}/readyz`).catch(() => undefined))?.ok
    await until(ready, { withinMs: 30_000, everyMs: 100, label: 'a ready agent' })
    if (child.exitCode !== null) throw new Error('the agent ended')
    const [writtenBefore, startedMs] = [writtenBytes(child), performance.now()]
    if (series > 0) await feed(`mqtt://127.0.0.1:${mqttPort}`, series)
    else await delay((seconds * 1000) / 2)
    const gibibytesPerDay =
      (((writtenBytes(child) - writtenBefore) / (performance.now() - startedMs)) * 86_400_000) / 2 ** 30
    const memory = `${mebibytes(child, 'VmRSS')} MiB (${mebibytes(child, 'RssAnon')} its own)`
    return `${memory}, ${gibibytesPerDay.toFixed(2)} GiB written a day`
  } finally {
    const ended = child.exitCode === null ? once(child, 'exit') : undefined
    child.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true })
  }
}

const cloud = await createBroker({ host: '127.0.0.1', port: 0 })
const { port: cloudPort } = await cloud.listen()
try {
  await measureAll()
} finally {
  await cloud.close()
}

async function measureAll(): Promise<void> {
  const variants = ownFlags === undefined ? ['', unitFlags] : [ownFlags]
  for (const flags of variants) {
    process.stdout.write(`${flags === '' ? "Node's defaults" : flags}\n`)
    for (const series of [0, 100, 1_000]) {
      const list = ['--disable-warning=ExperimentalWarning', ...flags.split(' ').filter((flag) => flag !== '')]
      process.stdout.write(`  ${String(series).padStart(5)} series  ${await measure(list, series, cloudPort)}\n`)
    }
  }
}
