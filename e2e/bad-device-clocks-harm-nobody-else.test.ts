import { afterEach, expect, it } from 'vitest'
import type { DeviceClocksStatus } from '../packages/contracts/src/index.ts'
import { until } from '../packages/pipeline/testing/index.ts'
import { clean, RunningStack, temporaryFolder } from './stack.ts'

let stack: RunningStack | undefined
afterEach(async () => await stack?.remove())

interface AgentStatus {
  clock: { devices: DeviceClocksStatus }
  unaccounted: number
}

it('ahead, behind and a day ahead: they are found by name, and every reading is where it belongs or set aside', async () => {
  const running = await RunningStack.start(
    temporaryFolder(),
    ...['--speed', '30', '--devices', '12', '--rate', '1', '--seed', '11'],
    ...['--perturb', 'clock-offset=0.4,late=0.02,duplicate=0.02'],
  )
  stack = running
  const clocks = async () => (await running.get<AgentStatus>('/api/status', 'agent')).clock.devices
  const off = ({ states: { skewed = 0, jumped = 0 } }: DeviceClocksStatus) => skewed + jumped
  await until(async () => off(await clocks()) >= 3 && ((await clocks()).states.good ?? 0) >= 4, {
    ...{ withinMs: 60_000, everyMs: 500, label: 'devices whose clocks are found to be off' },
  })
  const { worst } = await clocks()
  // One device of the fleet is a day ahead; no other is more than ten minutes off.
  const dayMs = 86_400_000
  expect(Math.abs((worst[0]?.offsetMs ?? 0) - dayMs)).toBeLessThan(60_000)
  expect(worst.slice(1).every(({ offsetMs }) => Math.abs(offsetMs ?? 0) < 11 * 60_000)).toBe(true)
  await running.endSimulator()
  const verdict = await running.verify('--wait')
  expect(verdict).toMatchObject({ ok: true, ...clean })
  expect(verdict.expectedSetAside).toBeGreaterThan(0)
  expect((await running.get<AgentStatus>('/api/status', 'agent')).unaccounted).toBe(0)
})
