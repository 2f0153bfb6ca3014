import type { DeviceAccounts, StatusBody } from '@millrace/contracts'
import { manualClock, silentLogger } from '@millrace/pipeline'
import { expect, test } from 'vitest'
import type { Figures } from './figures.ts'
import { Reporter, type ReporterOptions } from './reporter.ts'
import type { Store } from './stored.ts'
import { Tally } from './tally.ts'
import { noon } from './testing/rows.ts'

function device(site: string, name: string, spec: Partial<DeviceAccounts> = {}): DeviceAccounts {
  return {
    ...{ site, device: name, agent: 'edge', spool: 'a', accepted: 10, closed: 4, open: 1, duplicate: 1, tooLate: 1 },
    ...{ invalid: { 'bad-value': 1, 'bad-time': 1 }, dropped: { 'over-rate': 1 }, qos0: 2, unaccounted: 0 },
    ...{ sent: 4, held: 3, refused: 1 },
    ...spec,
  }
}

const online: StatusBody = {
  ...{ v: 1, agent: 'edge', site: 'north', online: true, at: noon },
  spool: { bytes: 4096, maxBytes: 8192, full: false, outboxMessages: 7, oldestOutboxMs: noon - 90_000 },
  counters: { accepted: 100, closed: 60, open: 20, duplicate: 3, tooLate: 2, invalid: 4, dropped: 1 },
}

function setUp(spec: Partial<ReporterOptions> = {}) {
  const clock = manualClock(noon)
  const written: Figures[] = []
  const store = { writeFigures: async (figures: Figures) => void written.push(figures) } as unknown as Store
  const statuses = new Map([['north/edge', online]])
  const accounts = async () => ({
    devices: [device('north', 'pump'), device('north', 'fan', { unaccounted: -2 }), device('south', 'pump')],
    mismatchBySite: { north: 3, south: 0 },
  })
  const arrivedMs = () => undefined
  const options = { clock, log: silentLogger, stores: [store], statuses, accounts, arrivedMs, stages: [], ...spec }
  return { clock, statuses, written, reporter: new Reporter(options) }
}

test('accounts are told by site', async () => {
  const { sites } = await setUp().reporter.figures(0)
  expect(sites.map(({ site }) => site)).toEqual(['north', 'south'])
  expect(sites[0]).toEqual({
    ...{ site: 'north', accepted: 20, closed: 8, open: 2, duplicate: 2, tooLate: 2, invalid: 4, dropped: 2, qos0: 4 },
    ...{ unaccounted: 2, sent: 8, held: 6, refused: 2, mismatch: 3 },
  })
})

test("an agent's stages come from its status, in flow order, and one that is away says so alone", async () => {
  const { statuses, reporter } = setUp()
  const name = { site: 'north', agent: 'edge' }
  expect((await reporter.figures(0)).stages).toEqual([
    { stage: 'agent-collect', ...name, total: 100, up: 1 },
    { stage: 'agent-decode', ...name, errors: 4 },
    { stage: 'agent-rollup', ...name, total: 60, errors: 3, behind: 20 },
    { stage: 'agent-spool', ...name, bytes: 4096, maxBytes: 8192, up: 1 },
    { stage: 'agent-uplink', ...name, behind: 7, latencyMs: 90_000 },
  ])
  statuses.set('north/edge', { ...online, counters: { accepted: 150 }, spool: {} })
  const [collect] = (await reporter.figures(10_000)).stages
  expect(collect).toEqual({ stage: 'agent-collect', ...name, total: 150, up: 1, perSecond: 5 })
  statuses.set('north/edge', { ...online, online: false })
  expect((await reporter.figures(20_000)).stages).toEqual([{ stage: 'agent-collect', ...name, up: 0 }])
})

test('where no message waits for its receipt, the uplink has no latency, which is not the same as an unknown one', async () => {
  const { statuses, reporter } = setUp()
  const latency = async (spool: StatusBody['spool']) => {
    statuses.set('north/edge', { ...online, spool })
    return (await reporter.figures(0)).stages.find(({ stage }) => stage === 'agent-uplink')?.latencyMs
  }
  expect(await latency({ outboxMessages: 0, oldestOutboxMs: null })).toBe(0)
  expect(await latency({ outboxMessages: 0 })).toBeUndefined()
})

test("an agent's rates go by when its status came, whenever they are asked for", async () => {
  const arrived = new Map<StatusBody, number>()
  const { statuses, reporter } = setUp({ arrivedMs: (status) => arrived.get(status) })
  const rateAt = async (atMs: number) => (await reporter.figures(atMs)).stages[0]!.perSecond
  const tell = (accepted: number, atMs: number) => {
    const status = { ...online, counters: { accepted } }
    statuses.set('north/edge', status)
    arrived.set(status, atMs)
  }
  tell(0, 1_000)
  expect(await rateAt(2_000)).toBeUndefined()
  tell(50, 11_000)
  expect(await rateAt(12_000)).toBe(5)
  expect(await rateAt(19_999)).toBe(5)
  tell(150, 21_000)
  expect(await rateAt(32_000)).toBe(10)
})

test('a total that fell, as after a restart, has no rate until it is seen again', async () => {
  const tally = new Tally()
  const { reporter } = setUp({ statuses: new Map(), stages: [{ stage: 'x', tally, now: async () => ({ up: 1 }) }] })
  const rateAt = async (total: number, atMs: number) => {
    tally.total = total
    return (await reporter.figures(atMs)).stages[0]!.perSecond
  }
  expect(await rateAt(100, 0)).toBeUndefined()
  expect(await rateAt(300, 2_000)).toBe(100)
  expect(await rateAt(50, 3_000)).toBeUndefined()
  expect(await rateAt(60, 4_000)).toBe(10)
})

test('latency is the mean since the report before', async () => {
  const tally = new Tally()
  const { reporter } = setUp({ statuses: new Map(), stages: [{ stage: 'x', tally, now: async () => ({}) }] })
  tally.passed(5, 10)
  tally.passed(1, 20)
  tally.failed(2)
  expect((await reporter.figures(0)).stages).toEqual([{ stage: 'x', total: 6, errors: 2, latencyMs: 15 }])
  expect((await reporter.figures(1)).stages[0]).not.toHaveProperty('latencyMs')
})

test('the last figures of an hour are marked with its end', async () => {
  const { clock, reporter } = setUp()
  const ends: (number | undefined)[] = []
  for (let index = 0; index < 5; index++) {
    ends.push((await reporter.figures(index)).endOfHourMs)
    clock.advance(20 * 60_000)
  }
  const hour = 3_600_000
  expect(ends).toEqual([undefined, undefined, undefined, noon + hour, undefined])
})

test('stores that keep figures get them, others are left alone', async () => {
  const { written, reporter } = setUp()
  await reporter.report()
  expect(written).toHaveLength(1)
  await setUp({ stores: [{} as Store] }).reporter.report()
})
