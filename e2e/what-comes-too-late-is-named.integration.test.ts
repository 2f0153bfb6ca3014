import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { stackPaths } from '../packages/cli/src/up/config-files.ts'
import { Parts } from './parts.ts'
import { temporaryFolder } from './stack.ts'

const speed = 120
const hourMs = 3_600_000
let parts: Parts | undefined
afterEach(async () => await parts?.remove())

/** An agent that gives up what closed a minute ago, as a full one does with what is older. */
function giveUpSoon(dataDir: string): void {
  const { agentConfig } = stackPaths(dataDir)
  const config = readFileSync(agentConfig, 'utf8')
  writeFileSync(agentConfig, config.replace('length: 1m', 'length: 1m\n  amendFor: 1m'))
}

it('verify matches readings that came too late with those the agent names, and finds nothing missing', async () => {
  const dataDir = temporaryFolder()
  const simulator = ['--devices', '4', '--rate', '0.1', '--seed', '3', '--perturb', 'late=0.02,duplicate=0.02']
  parts = await Parts.prepare({ dataDir, speed, beginMs: 24 * hourMs, simulator })
  giveUpSoon(dataDir)
  for (const part of ['broker', 'ingest', 'agent', 'simulator'] as const) await parts.start(part)
  await delay(hourMs / speed)
  await parts.endSimulator()
  const verdict = await parts.verify('--wait')
  expect(verdict).toMatchObject({ ok: true, missing: 0, doubled: 0, wrongWindow: 0, wrongValue: 0, tooLateNotNamed: 0 })
  expect(verdict.tooLate).toBeGreaterThan(0)
  expect(verdict.setAside).toBeGreaterThanOrEqual(verdict.tooLate)
})
