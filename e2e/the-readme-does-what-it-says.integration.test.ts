import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { AccountsResponse, SeriesInfo, SummariesResponse } from '@millrace/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../packages/pipeline/testing/index.ts'
import { temporaryFolder } from './stack.ts'

const root = join(import.meta.dirname, '..')
const blocks = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(
  ([, text]) => text!,
)
/** The README's commands keep their data in the folder they are typed in, so they are typed in one of their own. */
const folder = temporaryFolder()
let started: ChildProcess | undefined
let startOutput = ''

beforeAll(() => {
  for (const name of ['package.json', 'tools', 'node_modules']) symlinkSync(join(root, name), join(folder, name))
})
afterAll(() => {
  const isRunning = started?.pid !== undefined && started.exitCode === null && started.signalCode === null
  if (isRunning) process.kill(-started!.pid!, 'SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

function shell(block: string): ChildProcess {
  return spawn('sh', ['-eu', '-c', block], { cwd: folder, detached: true })
}

async function get<T>(path: string): Promise<T> {
  const response = await fetch(`http://localhost:8080${path}`)
  if (!response.ok) throw new Error(`${path} answered ${response.status}`)
  return (await response.json()) as T
}

function ended(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (bytes) => {
      output += bytes
    })
  }
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })))
}

async function series(): Promise<SeriesInfo[] | undefined> {
  return await get<SeriesInfo[]>('/api/series').catch(() => undefined)
}

describe('the shell blocks of the README, in order, in an empty folder', () => {
  it('are there, and the first one is npm start', () => {
    expect(blocks[0]?.trim()).toBe('npm start')
    expect(blocks.length).toBeGreaterThanOrEqual(4)
  })

  it('npm start: within 60 s many series are live and six hours of history are there', async () => {
    const startedMs = performance.now()
    started = shell(blocks[0]!)
    for (const stream of [started.stdout, started.stderr]) {
      stream?.on('data', (bytes) => {
        startOutput += bytes
      })
    }
    const live = async () => {
      if (started!.exitCode !== null) throw new Error(`npm start ended: ${startOutput}`)
      const fresh = (await series())?.filter(({ lastTs }) => Date.now() - lastTs < 15_000) ?? []
      return fresh.length > 30 ? fresh : undefined
    }
    const found = (await until(live, { withinMs: 60_000, everyMs: 500, label: 'live readings' }))!
    expect(performance.now() - startedMs).toBeLessThan(60_000)
    const { site, device, metric } = found.find((info) => info.device !== 'this-machine')!
    const from = Date.now() - 6 * 3_600_000
    const query = new URLSearchParams({ site, device, metric, from: String(from), to: String(Date.now()) })
    const complete = async () => {
      const { summaries } = await get<SummariesResponse>(`/api/summaries?${query}`)
      return summaries.length > 350
    }
    await until(complete, { withinMs: 60_000, everyMs: 500, label: 'six hours of minutes' })
    expect(startOutput).toContain('http://localhost:8080')
  })

  it.each(blocks.slice(1))('exits with 0: %s', async (block) => {
    const { code, output } = await ended(shell(block))
    expect({ code, output }).toMatchObject({ code: 0 })
  })

  it('the readings that were sent by hand are on the page', async () => {
    const mine = async () =>
      (await series())?.filter(({ site, device }) => site === 'home' && device === 'desk').length === 2
    await until(mine, { withinMs: 10_000, everyMs: 200, label: 'temperature and humidity of the desk' })
    expect((await get<AccountsResponse>('/api/accounts')).total.unaccounted).toBe(0)
  })

  it('Ctrl-C, which reaches every process of the terminal, ends it well within 5 s', async () => {
    const end = new Promise((resolve) => started!.once('close', resolve))
    const before = performance.now()
    process.kill(-started!.pid!, 'SIGINT')
    await end
    // The deadlines of its processes are five seconds in all; a busy machine takes a moment more to end them.
    expect(performance.now() - before).toBeLessThan(8_000)
    expect(startOutput.trimEnd()).toMatch(/stopped$/)
    expect(await series()).toBeUndefined()
  })
})
