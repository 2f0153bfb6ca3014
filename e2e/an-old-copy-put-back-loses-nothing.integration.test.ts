import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { until } from '../packages/pipeline/testing/index.ts'
import { clean, RunningStack, temporaryFolder } from './stack.ts'

let stack: RunningStack | undefined
const dataDir = temporaryFolder()
const kept = temporaryFolder()
afterEach(async () => {
  await stack?.remove()
  for (const folder of [dataDir, kept]) rmSync(folder, { recursive: true, force: true })
})

interface AgentSpool {
  spool: { name: string; rolledBack: { from: string; lost: number }[]; inheritedMessages: number }
  unaccounted: number
  accounts: { accepted: number }
}
const agentOf = (running: RunningStack) => running.get<AgentSpool>('/api/status', 'agent')

const fewestReadings = 500

/** Devices send for a while, every reading of it is stored, and everything stops. */
async function run(before?: (running: RunningStack) => Promise<unknown>) {
  stack = await RunningStack.start(dataDir, '--speed', '60', '--devices', '12', '--seed', '5', '--perturb', 'all=0.02')
  const running = stack
  // It may just have been killed.
  const accepted = async () => (await agentOf(running).catch(() => undefined))?.accounts.accepted ?? 0
  const already = await accepted()
  await before?.(stack)
  await until(async () => (await accepted()) > already + fewestReadings, { withinMs: 60_000, label: 'more readings' })
  await stack.endSimulator()
  const verdict = await stack.verify('--wait')
  const agent = await agentOf(stack)
  const { total } = await stack.get<{ total: Record<string, number> }>('/api/accounts')
  await stack.stop()
  return { verdict, agent, total }
}

it("of the agent's folder: recognised by itself, nothing acknowledged since is lost or counted twice", async () => {
  const first = await run()
  cpSync(join(dataDir, 'agent'), kept, { recursive: true })
  const second = await run()
  expect(second.agent.spool.name).toBe(first.agent.spool.name)

  rmSync(join(dataDir, 'agent'), { recursive: true })
  cpSync(kept, join(dataDir, 'agent'), { recursive: true })
  // Numbers are given out again, also across a kill.
  const third = await run((running) => running.kill('agent'))
  expect(third.verdict).toMatchObject({ ok: true, ...clean })
  expect(third.verdict.sent).toBeGreaterThan(second.verdict.sent)
  expect(third.agent).toMatchObject({
    unaccounted: 0,
    spool: { rolledBack: [{ from: first.agent.spool.name, lost: 0 }], inheritedMessages: 0 },
  })
  expect(third.total).toMatchObject({ conflicts: 0, missingUpstream: 0, mismatch: 0, unaccounted: 0 })
})
