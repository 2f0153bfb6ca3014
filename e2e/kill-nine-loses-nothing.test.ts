import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { until } from '../packages/pipeline/testing/index.ts'
import { clean, RunningStack, temporaryFolder } from './stack.ts'

let stack: RunningStack | undefined
afterEach(async () => await stack?.remove())

it('of agent, ingest and broker under load and with every perturbation', async () => {
  const running = await RunningStack.start(
    temporaryFolder(),
    ...['--speed', '60', '--devices', '12', '--rate', '0.5', '--seed', '7', '--perturb', 'all=0.03'],
  )
  stack = running
  // A busy machine starts slowly: kills of a stack that has taken nothing yet would prove nothing.
  const accepted = async () => (await running.get<{ total: { accepted: number } }>('/api/accounts')).total.accepted
  await until(async () => (await accepted()) > 1000, { withinMs: 40_000, label: 'the first readings' })
  for (const name of ['agent', 'ingest', 'broker', 'agent', 'ingest', 'broker', 'agent']) {
    await delay(1000)
    await stack.kill(name)
  }
  await delay(1000)
  await stack.endSimulator()
  const verdict = await stack.verify('--wait')
  expect(verdict).toMatchObject({ ok: true, ...clean })
  expect(verdict.sent).toBeGreaterThan(1000)
  expect(verdict.amended).toBeGreaterThan(0)
  expect(verdict.expectedSetAside).toBeGreaterThan(0)
})
