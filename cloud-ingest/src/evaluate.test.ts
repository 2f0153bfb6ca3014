import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { ApiAlert, RulesResponse } from '@millrace/contracts'
import { type ManualClock, manualClock } from '@millrace/pipeline'
import { type recordingLogger as Recording, recordingLogger, until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { minuteMs, noon, type RowSpec } from './testing/rows.ts'
import { Stack } from './testing/stack.ts'

const warm = {
  ...{ id: 'warm', at: 'cloud', kind: 'threshold', select: { metric: 'temperature' }, above: 20, clear: 18 },
  ...{ for: '2m', severity: 'critical', labels: { team: 'ops' } },
}
const silent = { id: 'silent', at: 'cloud', kind: 'silence', of: 'device', for: '5m' }
const offline = { id: 'offline', at: 'cloud', kind: 'silence', of: 'agent', for: '2m' }
const notify = { channels: [{ type: 'log', name: 'log' }], groupWait: '0s', groupEvery: '0s' }

let stack: Stack
let clock: ManualClock
let log: ReturnType<typeof Recording>
beforeEach(() => {
  clock = manualClock(noon + 30 * minuteMs)
  log = recordingLogger()
})
afterEach(async () => await stack.stop())

async function start(rules: unknown[] | undefined, options: object = {}): Promise<void> {
  const files = rules && { rules: { 'rules.yaml': { rules } } }
  stack = await new Stack({ clock, log, notify, ...files, ...options }).start()
}

let seq = 0
beforeEach(() => {
  seq = 0
})

/** Minutes from noon with their means, in a body of their own. */
async function send(minutes: Record<number, number>, spec: Partial<RowSpec> = {}): Promise<void> {
  const rows = Object.entries(minutes).map(([minute, mean]) => {
    return { start: noon + Number(minute) * minuteMs, values: [mean, mean], ...spec }
  })
  await stack.send({ seq, rows })
  await stack.receipted(seq++)
}

async function status(online: boolean, minute: number, agent = 'edge'): Promise<void> {
  const at = online ? { at: noon + minute * minuteMs, epoch: 'e1' } : {}
  await stack.publish({ site: 'north', agent, kind: 'status' }, { v: 1, agent, site: 'north', online, ...at })
}

const shape = (alerts: readonly ApiAlert[]) =>
  alerts.map(({ rule, state, start, end }) => [rule, state, minuteOf(start), end && minuteOf(end)])
const minuteOf = (ms: number) => (ms - noon) / minuteMs

/** Once the alerts are as they are to be. */
async function alertsBecome(expected: unknown[][]): Promise<ApiAlert[]> {
  const wanted = JSON.stringify(expected)
  let last = ''
  const found = await until(
    async () => {
      const alerts = await stack.alerts()
      last = JSON.stringify(shape(alerts))
      return last === wanted ? alerts : undefined
    },
    { withinMs: 15_000, label: `alerts ${wanted}` },
  ).catch((error) => {
    throw new Error(`${error}; they are ${last}`)
  })
  return found!
}

/** Minutes of the clock, in steps small enough that the ingest has been there all the time. */
async function pass(minutes: number): Promise<void> {
  for (let step = 0; step < minutes * 1.5; step++) {
    clock.advance(40_000)
    await new Promise((resolve) => setTimeout(resolve, 1_100))
  }
}

/** What the channel said, by the rule it spoke of. */
const told = () => log.lines.filter(({ fields }) => JSON.stringify(fields).includes('"warm')).length

test('a threshold fires once it has been crossed for its time, and clears where it is good again', async () => {
  await start([warm])
  await send({ 0: 10, 1: 25, 2: 30 })
  const [alert] = await alertsBecome([['warm', 'active', 1, null]])
  expect(alert).toMatchObject({
    ...{ id: `warm/north/pump/temperature/${noon + minuteMs}`, rev: 0, owner: 'cloud', cause: 'value' },
    ...{ severity: 'critical', raised: noon + 3 * minuteMs, learned: clock.now(), value: 30, threshold: 20 },
    ...{ agent: 'edge', unit: '°C', labels: { team: 'ops' } },
  })
  await send({ 3: 19, 4: 15 })
  expect((await alertsBecome([['warm', 'cleared', 1, 4]]))[0]!.rev).toBe(1)
})

test('a restart, and repeats of everything, tell nothing twice', async () => {
  await start([warm])
  await send({ 1: 25, 2: 30 })
  await alertsBecome([['warm', 'active', 1, null]])
  await until(() => told() > 0)
  const before = await stack.alerts()
  for (let times = 0; times < 2; times++) {
    await stack.stopIngest()
    await stack.startIngest()
    await stack.send({ seq: 0, rows: [1, 2].map((minute) => ({ start: noon + minute * minuteMs, values: [25, 25] })) })
  }
  await send({ 3: 25 })
  await send({ 4: 10 })
  await alertsBecome([['warm', 'cleared', 1, 4]])
  expect(before).toHaveLength(1)
  await until(() => told() === 2)
  expect(told()).toBe(2)
})

test('state of the rules that cannot be read keeps nothing from starting: what is active is judged again and cleared', async () => {
  await start([warm])
  await send({ 1: 25, 2: 30 })
  await alertsBecome([['warm', 'active', 1, null]])
  const [before] = await stack.alerts()
  await stack.stopIngest()
  const database = new DatabaseSync(join(stack.dataDir, 'spool', 'spool.db'))
  const spoiled = database.prepare(`UPDATE kept_values SET bytes = x'ff' WHERE key LIKE 'rules/%'`).run()
  database.close()
  expect(Number(spoiled.changes)).toBeGreaterThan(1)
  await stack.startIngest()
  await send({ 3: 25 })
  await send({ 4: 10 })
  const [after, ...others] = await alertsBecome([['warm', 'cleared', 1, 4]])
  expect([after?.id, others]).toEqual([before?.id, []])
  expect(log.lines.filter(({ message }) => message.includes('could not be read'))).toHaveLength(2)
})

test('late and amended windows raise, move and withdraw an alert after the fact', async () => {
  await start([warm])
  await send({ 5: 10 })
  await send({ 1: 25, 2: 25 })
  await alertsBecome([['warm', 'cleared', 1, 5]])
  await send({ 0: 25 })
  await alertsBecome([
    ['warm', 'withdrawn', 1, 5],
    ['warm', 'cleared', 0, 5],
  ])
  await send({ 0: 10, 1: 10, 2: 10 }, { rev: 1 })
  const alerts = await stack.alerts()
  expect(alerts.find(({ movedFrom }) => movedFrom !== null)).toBeDefined()
  await until(async () => (await stack.alerts()).every(({ state }) => state === 'withdrawn'))
})

test('an agent that is away is one alert, and none of its devices is silent', async () => {
  await start([silent, offline])
  const devices = Array.from({ length: 20 }, (_, index) => `d${index}`)
  await stack.send({ rows: devices.map((device) => ({ device, start: noon + 29 * minuteMs })) })
  await stack.receipted(0)
  await status(true, 30)
  await until(async () => ((await stack.get('/api/status')) as { agents: unknown[] }).agents.length === 1)
  await status(false, 0)
  await pass(4)
  const alerts = await until(async () => {
    const found = await stack.alerts()
    return found.length > 0 ? found : undefined
  })
  await pass(2)
  expect(alerts!.map(({ rule, cause, agent }) => [rule, cause, agent])).toEqual([['offline', 'agent-offline', 'edge']])
  expect(await stack.alerts()).toHaveLength(1)
  await stack.stopIngest()
  clock.advance(10 * minuteMs)
  await stack.startIngest()
  await status(true, 61)
  await until(async () => (await stack.alerts())[0]!.state === 'cleared')
  expect(await stack.alerts()).toMatchObject([{ rule: 'offline', end: clock.now() }])
})

test('a device that says nothing while its agent goes on is silent', async () => {
  await start([silent, offline])
  await stack.send({ rows: ['pump', 'fan'].map((device) => ({ device, start: noon + 29 * minuteMs })) })
  await stack.receipted(0)
  await status(true, 30)
  clock.advance(10 * minuteMs)
  await stack.send({ seq: 1, rows: [{ device: 'fan', start: noon + 39 * minuteMs }] })
  await stack.receipted(1)
  await status(true, 40)
  const found = await until(async () => {
    const alerts = await stack.alerts()
    return alerts.length > 0 ? alerts : undefined
  })
  expect(found!.map(({ rule, device, cause }) => [rule, device, cause])).toEqual([['silent', 'pump', 'device-silent']])
})

test('rules are taken up as their files change; bad ones are named and the last good ones stay', async () => {
  await start([warm])
  const rules = async () => (await stack.get('/api/rules')) as RulesResponse
  expect(await rules()).toMatchObject({ problem: null, rules: [{ id: 'warm', at: 'cloud', kind: 'threshold' }] })
  const { version } = await rules()
  stack.writeRules('rules.yaml', { rules: [{ ...warm, above: 'hot' }] })
  await until(async () => (await rules()).problem !== null)
  expect((await rules()).problem).toMatch(/above/)
  expect(await rules()).toMatchObject({ version, evaluators: [{ evaluator: 'ingest', rules: 1 }] })
  await send({ 1: 25, 2: 30 })
  await alertsBecome([['warm', 'active', 1, null]])
  await stack.stopIngest()
  await stack.startIngest()
  expect((await rules()).version).toBe(version)
  stack.writeRules('rules.yaml', { rules: [{ ...warm, id: 'other' }] })
  await until(async () => (await rules()).problem === null)
  await alertsBecome([['warm', 'withdrawn', 1, null]])
})

test('the first rules on an ingest that has history record what was, and tell what still is', async () => {
  await start(undefined)
  await send({ 0: 25, 1: 25, 2: 10, 20: 10 })
  await send({ 21: 30, 22: 30 }, { device: 'fan' })
  expect(await stack.get('/api/rules')).toMatchObject({ version: null, rules: [], evaluators: [] })
  await stack.stopIngest()
  Object.assign(stack.options, { rules: { 'rules.yaml': { rules: [warm] } } })
  await stack.startIngest()
  await alertsBecome([
    ['warm', 'active', 21, null],
    ['warm', 'cleared', 0, 2],
  ])
  await until(() => told() > 0)
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(told()).toBe(1)
  expect(JSON.stringify(log.lines)).toContain('north/fan')
})

test('without rules any more, alerts that they had raised are withdrawn', async () => {
  await start([warm])
  await send({ 1: 25, 2: 30 })
  await alertsBecome([['warm', 'active', 1, null]])
  await stack.stopIngest()
  Reflect.deleteProperty(stack.options, 'rules')
  await stack.startIngest()
  await alertsBecome([['warm', 'withdrawn', 1, null]])
})

test('a thousand devices that are bad at once are a thousand alerts and one notice', async () => {
  await start([warm], { notify: { ...notify, groupWait: '1s' } })
  for (let part = 0; part < 10; part++) {
    const ofPart = Array.from({ length: 100 }, (_, index) => `d${part * 100 + index}`)
    const both = ofPart.flatMap((device) =>
      [1, 2].map((minute) => ({ device, start: noon + minute * minuteMs, values: [25] })),
    )
    await stack.send({ seq: part, rows: both })
  }
  await stack.receipted(9)
  await until(async () => (await stack.alerts()).length === 1_000, { withinMs: 20_000 })
  clock.advance(10 * minuteMs)
  const notices = () => log.lines.filter(({ fields }) => 'notice' in fields)
  await until(() => notices().length > 0)
  expect(notices().map(({ message }) => message)).toEqual([expect.stringContaining('1000')])
})
