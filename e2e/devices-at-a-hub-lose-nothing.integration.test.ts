import { setTimeout as delay } from 'node:timers/promises'
import type { AccountsResponse } from '@millrace/contracts'
import { afterEach, expect, it } from 'vitest'
import { until } from '../packages/pipeline/testing/index.ts'
import { clean, RunningStack, temporaryFolder } from './stack.ts'

let stack: RunningStack | undefined
afterEach(async () => await stack?.remove())

it('devices that send straight to a hub, of which agent and hub are killed, with every perturbation', async () => {
  stack = await RunningStack.start(
    temporaryFolder(),
    ...['--via', 'iot-hub-direct', '--no-rules', '--window', '10s'],
    ...['--speed', '60', '--devices', '8', '--rate', '0.5', '--seed', '11', '--perturb', 'all=0.03'],
  )
  const accepted = async () => {
    const status = await stack!.get<{ accounts: { accepted: number } }>('/api/status', 'agent').catch(() => undefined)
    return status?.accounts.accepted ?? 0
  }
  for (const name of ['agent', 'hub', 'agent']) {
    const before = await accepted()
    await until(async () => (await accepted()) > before, { withinMs: 30_000, label: 'readings from the hub' })
    await delay(Math.random() * 1000)
    await stack.kill(name)
  }
  await until(async () => (await accepted()) > 1_000, { withinMs: 60_000, label: 'enough to recount' })
  await stack.endSimulator()
  const verdict = await stack.verify('--wait')
  expect(verdict).toMatchObject({ ok: true, ...clean })
  expect(verdict.sent).toBeGreaterThan(500)
  expect(verdict.expectedSetAside).toBeGreaterThan(0)
  const { total } = await stack.get<AccountsResponse>('/api/accounts')
  expect(total).toMatchObject({ unaccounted: 0, mismatch: 0, missingUpstream: 0, conflicts: 0, deadLetters: 0 })
})
