import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { AlertsResponse } from '@millrace/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../packages/pipeline/testing/index.ts'
import { temporaryFolder } from './stack.ts'

const root = join(import.meta.dirname, '..')
const page = readFileSync(join(root, 'docs', 'alert-rules.md'), 'utf8')
const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, text]) => text!)
const folder = temporaryFolder()
let started: ChildProcess | undefined
let startOutput = ''

beforeAll(() => {
  for (const name of ['package.json', 'tools', 'node_modules', 'alert-rules', 'device-simulator']) {
    symlinkSync(join(root, name), join(folder, name))
  }
})
afterAll(() => {
  const isRunning = started?.pid !== undefined && started.exitCode === null && started.signalCode === null
  if (isRunning) process.kill(-started!.pid!, 'SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

const shell = (block: string) => spawn('sh', ['-eu', '-c', block], { cwd: folder, detached: true })

function ended(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (bytes) => {
      output += bytes
    })
  }
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })))
}

async function alerts(): Promise<AlertsResponse | undefined> {
  return await fetch('http://localhost:8080/api/alerts?limit=1000').then(
    async (response) => (response.ok ? ((await response.json()) as AlertsResponse) : undefined),
    () => undefined,
  )
}

describe('the shell blocks of docs/alert-rules.md, in order, in an empty folder', () => {
  it('begin with a start, after which the alert of the starter rules is there', async () => {
    expect(blocks[0]?.trim()).toBe('npx millrace up')
    started = shell(blocks[0]!)
    for (const stream of [started.stdout, started.stderr]) {
      stream?.on('data', (bytes) => {
        startOutput += bytes
      })
    }
    const cleared = async () => {
      if (started!.exitCode !== null) throw new Error(`up ended: ${startOutput}`)
      const all = (await alerts())?.alerts ?? []
      return all.some(({ rule, state }) => rule === 'cold-store-warm' && state === 'cleared')
    }
    const label = 'an alert of the cold store, cleared'
    await until(cleared, { withinMs: 60_000, everyMs: 500, label }).catch((error: unknown) => {
      throw new Error(`${String(error)}; millrace said:\n${startOutput}`)
    })
  })

  it.each(blocks.slice(1))('exits with 0: %s', async (block) => {
    const { code, output } = await ended(shell(block))
    expect({ code, output }).toMatchObject({ code: 0 })
    if (block.includes('rules test') || block.includes('backtest')) expect(output).toMatch(/office-co2 +\d+/)
  })

  it('leave a silence behind, and the stack stops', async () => {
    const answer = (await alerts())!
    expect(answer.silences.map(({ match }) => match.rule)).toEqual(['office-co2'])
    const end = new Promise((resolve) => started!.once('close', resolve))
    process.kill(-started!.pid!, 'SIGINT')
    await end
    expect(startOutput.trimEnd()).toMatch(/stopped$/)
  })
})
