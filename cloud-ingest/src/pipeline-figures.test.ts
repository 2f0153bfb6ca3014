import type { PipelineResponse, StatusBody } from '@millrace/contracts'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Stack } from './testing/stack.ts'

let stack: Stack
beforeEach(async () => {
  stack = await new Stack().start()
})
afterEach(async () => await stack.stop())

const read = async () => (await stack.get('/api/pipeline')) as PipelineResponse

async function say(agent: string, more: Partial<StatusBody>): Promise<void> {
  const body = { v: 1, agent, site: 'home', online: true, ...more }
  await stack.publish({ site: 'home', agent, kind: 'status' }, body)
}

async function agentOnce(name: string, holds: (agent: PipelineResponse['agents'][number]) => boolean) {
  return await until(async () => (await read()).agents.find((one) => one.agent === name && holds(one)), {
    withinMs: 20_000,
  })
}

test('an agent that is gone is offline and keeps what it last said; another start of it is counted', async () => {
  const spool = { name: 'spool-a', bytes: 10, maxBytes: 100 }
  await say('edge', { epoch: 'one', version: '1.2.3', spool, counters: { accepted: 5 } })
  await agentOnce('edge', ({ online }) => online)
  await say('edge', { online: false })
  const gone = await agentOnce('edge', ({ online }) => !online)
  expect(gone?.status).toMatchObject({ version: '1.2.3', spool })
  expect(gone?.silentMs).toBeGreaterThanOrEqual(0)
  await say('edge', { epoch: 'two', counters: { accepted: 9 } })
  expect(await agentOnce('edge', ({ online }) => online)).toMatchObject({ restarts: 1, readingsPerSecond: null })
})

test('accounts and missing messages stand with the agent whose spool they came from, over sites', async () => {
  await say('edge', { epoch: 'one', spool: { name: 'spool-a' } })
  await agentOnce('edge', ({ online }) => online)
  await stack.send({ rows: [{ values: [1, 2, 3] }] })
  await stack.send({ agent: 'other', spool: 'spool-b', seq: 2, rows: [{ device: 'fan', values: [4, 5] }] })
  const other = await agentOnce('other', ({ devices }) => devices > 0)
  expect(other).toMatchObject({ online: false, lastSeenMs: null, missingUpstream: 2, status: null })
  const { agents } = await read()
  expect(agents.map(({ agent, site, devices }) => [agent, site, devices])).toEqual([
    ['edge', 'home', 1],
    ['other', 'north', 1],
  ])
  for (const { accounts } of agents) {
    const { closed, open, duplicate, tooLate, invalid, dropped, unaccounted } = accounts
    expect(closed + open + duplicate + tooLate + invalid + dropped).toBe(accounts.accepted)
    expect([unaccounted, accounts.held]).toEqual([0, accounts.sent])
  }
})

test('the stages of the ingest come in flow order with the rates of the last minute', async () => {
  await stack.send({ rows: [{ values: [1, 2, 3] }] })
  await stack.stored()
  const { stages } = await read()
  expect(stages.map(({ stage }) => stage)).toEqual([
    'ingest-collect',
    'ingest-spool',
    'ingest-store-duckdb',
    'ingest-serve',
  ])
  const [, spool, store] = stages
  expect(spool).toMatchObject({ total: 1, errors: 0, latencyMs: expect.any(Number), up: 1 })
  for (const stage of [spool, store]) expect(stage?.perSecond).toBeGreaterThan(0)
})
