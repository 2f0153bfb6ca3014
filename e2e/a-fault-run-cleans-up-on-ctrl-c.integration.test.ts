import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { until } from '../packages/pipeline/testing/index.ts'

const program = fileURLToPath(new URL('./faults/run.ts', import.meta.url))

const text = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
const pids = () => readdirSync('/proc').filter((name) => /^\d+$/.test(name))
const parentOf = (pid: string) => /^PPid:\s+(\d+)/m.exec(text(`/proc/${pid}/status`))?.[1]

/** All that a process has started, and what those have; what `ps` would say, on Linux. */
function descendants(pid: string): string[] {
  const children = pids().filter((one) => parentOf(one) === pid)
  return [...children, ...children.flatMap(descendants)]
}
const alive = (pid: string) => text(`/proc/${pid}/cmdline`) !== ''

it.skipIf(process.platform !== 'linux').each(['SIGINT', 'SIGKILL'] as const)(
  'ended by %s in the middle of its kills, it leaves no process behind',
  async (signal) => {
    const child = spawn(process.execPath, [program, 'kill-nine'], { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.on('data', (bytes) => {
      said += bytes
    })
    await until(() => /\d kills, last of/.test(said), { withinMs: 120_000, label: `the first kills: ${said}` })
    const folder = /in (\/.*millrace fault \w+)/.exec(said)![1]!
    const processes = descendants(String(child.pid))
    // Agent, ingest, broker, oracle, and InfluxDB with who watches it; one may just have been killed.
    expect(processes.length).toBeGreaterThanOrEqual(5)
    const ended = once(child, 'exit')
    child.kill(signal)
    const [code] = (await ended) as [number | null]
    await until(() => !processes.some(alive), { withinMs: 30_000, label: `an end of ${processes}` })
    // Who is ended by force cannot clean up; its children end with it all the same.
    expect([code, existsSync(folder)]).toEqual(signal === 'SIGINT' ? [130, false] : [null, true])
    rmSync(folder, { recursive: true, force: true })
  },
)
