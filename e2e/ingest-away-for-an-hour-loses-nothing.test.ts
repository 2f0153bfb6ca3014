import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { until } from '../packages/pipeline/testing/index.ts'
import { Parts } from './parts.ts'
import { clean, temporaryFolder } from './stack.ts'

const speed = 600
const hourMs = 3_600_000
let parts: Parts | undefined
afterEach(async () => await parts?.remove())

interface AgentStatus {
  spool: { outboxMessages: number }
  unaccounted: number
}

it('from before its first start, the broker restarted meanwhile, and again later', async () => {
  parts = await Parts.prepare({
    dataDir: temporaryFolder(),
    speed,
    beginMs: 24 * hourMs,
    simulator: ['--devices', '8', '--rate', '0.1', '--seed', '3', '--perturb', 'late=0.01,duplicate=0.01'],
  })
  for (const part of ['broker', 'agent', 'simulator'] as const) await parts.start(part)
  await delay(hourMs / speed / 2)
  parts.kill('broker')
  await delay(hourMs / speed / 2)
  const status = async () => await parts!.get<AgentStatus>('/api/status', 'agent')
  await until(async () => (await status()).spool.outboxMessages > 0, { withinMs: 30_000, label: 'messages that wait' })
  const waiting = await status()
  expect(waiting.unaccounted).toBe(0)

  await parts.start('ingest')
  const outbox = async () => (await parts!.get<AgentStatus>('/api/status', 'agent')).spool.outboxMessages
  await until(async () => (await outbox()) < waiting.spool.outboxMessages, { withinMs: 30_000, everyMs: 200 })
  await parts.endSimulator()
  const verdict = await parts.verify('--wait')
  expect(verdict).toMatchObject({ ok: true, ...clean })
  expect(verdict.windows).toBeGreaterThan(500)
})
