import { setTimeout as delay } from 'node:timers/promises'
import type { AccountsResponse } from '@millrace/contracts'
import { afterEach, expect, it } from 'vitest'
import { until } from '../packages/pipeline/testing/index.ts'
import { clean, RunningStack, temporaryFolder } from './stack.ts'

let stack: RunningStack | undefined
afterEach(async () => await stack?.remove())

/** As the agent tells it of its link. */
interface Uplink {
  uplink: { connected: boolean; detail?: { link: { renewals: number } } }
}

it('kills of agent, hub and ingest, a cut cable and tokens that end, with every perturbation', async () => {
  stack = await RunningStack.start(
    temporaryFolder(),
    ...['--via', 'iot-hub', '--token-life', '30s', '--no-rules', '--window', '10s'],
    ...['--speed', '60', '--devices', '12', '--rate', '0.5', '--seed', '7', '--perturb', 'all=0.03'],
  )
  for (const name of ['agent', 'hub', 'ingest', 'hub', 'agent']) {
    await delay(1500)
    await stack.kill(name)
  }
  stack.signal('SIGUSR2')
  await until(() => stack!.log.includes('the uplink is cut'), { withinMs: 10_000, label: 'the cut' })
  // It may just have been killed.
  const uplink = async () => (await stack!.get<Uplink>('/api/status', 'agent').catch(() => undefined))?.uplink
  await until(async () => (await uplink())?.connected === false, { withinMs: 20_000, label: 'the agent to see it' })
  await delay(3000)
  stack.signal('SIGUSR2')
  await until(async () => (await uplink())?.connected, { withinMs: 60_000, label: 'the agent to be back' })
  // The agent's own count begins anew with each start.
  const renewed = async () => ((await uplink())?.detail?.link.renewals ?? 0) > 0
  await until(renewed, { withinMs: 90_000, everyMs: 500, label: 'a new token' })
  await stack.endSimulator()
  const verdict = await stack.verify('--wait')
  expect(verdict).toMatchObject({ ok: true, ...clean })
  expect(verdict.sent).toBeGreaterThan(1000)
  expect(verdict.amended).toBeGreaterThan(0)
  expect(verdict.expectedSetAside).toBeGreaterThan(0)
  const { total } = await stack.get<AccountsResponse>('/api/accounts')
  expect(total).toMatchObject({ unaccounted: 0, mismatch: 0, missingUpstream: 0, conflicts: 0, deadLetters: 0 })
})
