import type { PipelineAgent } from '@millrace/contracts'
import { expect, test } from 'vitest'
import { mockPipeline } from '../../testing/mock-pipeline.ts'
import { factsOf } from '../agents/agent-facts.ts'
import { clockOf } from '../agents/clock.ts'
import { Delay } from '../model/delay.ts'
import { agentStages, presenceOf } from './agent-stages.ts'
import { ingestStages } from './ingest-stages.ts'
import { fillOf, type Stage } from './stage.ts'
import { troublesOf } from './troubles.ts'

const total = {
  ...{ accepted: 1_000, closed: 900, open: 88, duplicate: 5, tooLate: 4, invalid: 3, dropped: 0, qos0: 125 },
  ...{
    unaccounted: 0,
    sent: 900,
    held: 900,
    refused: 0,
    missingUpstream: 0,
    deadLetters: 0,
    conflicts: 0,
    mismatch: 0,
  },
}
const { agents, stages } = mockPipeline([{ site: 's', agent: 'a' }], total)
const agent = agents[0] as PipelineAgent
const figureOf = (list: readonly Stage[], stage: string, label: string) =>
  list.find(({ id }) => id === stage)?.figures.find((figure) => figure.label === label)?.value

test('the stages come in flow order, each figure with an explanation in plain words', () => {
  const ingest = ingestStages({ stages, stores: [], delayMs: 420 })
  const all = [...agentStages(agent), ...ingest]
  expect(all.map(({ name }) => name)).toEqual([
    ...['Devices', 'Collect', 'Decode', 'Journal', 'Windows', 'Outbox', 'Uplink'],
    ...['Receive', 'Spool', 'DuckDB', 'Page'],
  ])
  for (const { figures, does } of all) {
    expect(does).not.toBe('')
    expect(figures.length).toBeGreaterThan(0)
    for (const { meaning } of figures) expect(meaning).toMatch(/^[A-Z].*\.$/)
  }
  for (const { figures } of factsOf(agent)) for (const { meaning } of figures) expect(meaning).toMatch(/\.$/)
  expect(figureOf(all, 'collect', 'came with QoS 0')).toBe('12.5 %')
  expect(figureOf(all, 'ingest-serve', 'behind the devices')).toBe('420 ms')
  expect(troublesOf(agents, ingest)).toEqual([])
})

test('an agent that is away shows what it last told, and that it is not of now', () => {
  const away = { ...agent, online: false, silentMs: 90_000 }
  expect([presenceOf(agent), presenceOf(away)]).toEqual(['online', 'offline'])
  expect(presenceOf({ ...agent, silentMs: 36_000 })).toBe('silent')
  expect(presenceOf({ ...agent, silentMs: null })).toBe('unseen')
  const metered = { ...agent, status: { ...agent.status!, counters: { statusEveryMs: 300_000 } } }
  expect([600_000, 1_100_000].map((silentMs) => presenceOf({ ...metered, silentMs }))).toEqual(['online', 'silent'])
  const gone = agentStages(away)
  expect(gone.every(({ level, flows }) => level === 'off' && !flows)).toBe(true)
  expect(figureOf(gone, 'outbox', 'messages wait')).toBe('2')
  expect(troublesOf([away], [])).toEqual([{ level: 'bad', text: 'Agent s / a has been offline for 1 min.' }])
})

test('what is wrong is said, worst first', () => {
  const spool = { ...agent.status?.spool, full: true, oldestOutboxMs: (agent.status?.at ?? 0) - 3_600_000 }
  const status = { ...agent.status, spool, clock: { source: 'devices' } } as PipelineAgent['status']
  const accounts = { ...agent.accounts, unaccounted: 2 }
  const down = stages.map((stage) => (stage.stage === 'ingest-collect' ? { ...stage, up: 0 as const } : stage))
  const stores = [{ type: 'duckdb', behind: 0, error: 'disk full' }]
  const texts = troublesOf(
    [{ ...agent, status, accounts, missingUpstream: 3 }],
    ingestStages({ stages: down, stores, delayMs: 1 }),
  )
  expect(texts.map(({ level, text }) => `${level}: ${text}`)).toEqual([
    'bad: Agent s / a: 2 readings are unaccounted for.',
    'bad: Agent s / a, Journal: The disk is full: devices have to wait.',
    'bad: Ingest, Receive: The cloud broker cannot be reached.',
    'bad: Ingest, DuckDB: It refuses rows: disk full',
    'waiting: Agent s / a, clock: No trusted clock was found in time, so the median of the devices’ clocks stands in for it.',
    'waiting: Agent s / a, Outbox: Summaries have waited for 1 h.',
    'waiting: Agent s / a, Uplink: 3 messages are still on their way.',
  ])
})

test('an agent of which only messages are known, or with a status of another version, is shown without a guess', () => {
  const bare = { ...agent, status: null, silentMs: null, lastSeenMs: null, readingsPerSecond: null, online: false }
  for (const one of [bare, { ...bare, status: { v: 1 as const, agent: 'a', site: 's', online: true } }]) {
    expect(figureOf(agentStages(one), 'outbox', 'messages wait')).toBe('–')
    expect(clockOf(one.status)).toMatchObject({ level: 'off', anchored: false, offset: '–' })
    expect(
      factsOf(one)
        .flatMap(({ figures }) => figures)
        .some(({ value }) => /NaN|undefined|null/.test(value)),
    ).toBe(false)
  }
  expect(fillOf(5, 0)).toBeUndefined()
})

test('the delay of readings is that of most devices, whatever one clock says', () => {
  const delay = new Delay()
  const reading = (ts: number) => ({ device: 'd', metric: 'm', unit: '', ts, value: 1 })
  delay.observe({ site: 's', readings: [] }, 1_000_000)
  expect(delay.ms).toBeUndefined()
  for (let i = 0; i < 5; i++) {
    delay.observe({ site: 's', readings: [reading(999_500), reading(999_400), reading(0)] }, 1_000_000)
  }
  expect(delay.ms).toBe(600)
})

test('an agent whose spool was damaged says so until it is started again', () => {
  const status = { ...agent.status!, spool: { ...agent.status!.spool, movedAside: 'it is not a database' } }
  const [trouble, ...others] = troublesOf([{ ...agent, status }], [])
  expect(trouble).toMatchObject({ level: 'bad', text: expect.stringMatching(/Agent s \/ a, Journal: .*damaged/) })
  expect(others).toEqual([])
})
