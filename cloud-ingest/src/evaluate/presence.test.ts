import type { StatusBody } from '@millrace/contracts'
import { expect, test } from 'vitest'
import { Listening } from './listening.ts'
import { LiveReadings } from './live-readings.ts'
import { Presence } from './presence.ts'

const status = (spec: Partial<StatusBody>): StatusBody => {
  return { v: 1, site: 'north', agent: 'edge', online: true, epoch: 'e1', ...spec }
}
const will = status({ online: false })
Reflect.deleteProperty(will, 'epoch')

function agentAfter(presence: Presence, ...statuses: StatusBody[]) {
  for (const one of statuses) presence.status(one)
  return presence.takeAgents().at(-1)
}

test('an agent listens without a break from its first word on, until it was away, is another run, or we were', () => {
  const presence = new Presence()
  expect(agentAfter(presence, status({ at: 1_000 }))).toMatchObject({ at: 1_000, since: 1_000, online: true })
  expect(agentAfter(presence, status({ at: 2_000 }))).toMatchObject({ at: 2_000, since: 1_000 })
  expect(agentAfter(presence, will)).toMatchObject({ at: 2_000, online: false })
  expect(agentAfter(presence, status({ at: 9_000 }))).toMatchObject({ at: 9_000, since: 9_000, online: true })
  expect(agentAfter(presence, status({ at: 10_000, epoch: 'e2' }))).toMatchObject({ at: 10_000, since: 10_000 })
  expect(agentAfter(presence, status({ at: 11_000, epoch: 'e2' }))).toMatchObject({ since: 10_000 })
  presence.reconnected()
  expect(agentAfter(presence, status({ at: 12_000, epoch: 'e2' }))).toMatchObject({ at: 12_000, since: 12_000 })
  expect(agentAfter(presence, status({ at: 11_500, epoch: 'e2' }))).toMatchObject({ at: 12_000 })
})

test('of an agent that left nothing but its last will, devices tell that it has been there', () => {
  const presence = new Presence()
  expect(agentAfter(presence, will)).toBeUndefined()
  presence.know([{ site: 'north', device: 'pump', agent: 'edge', ts: 5_000 }])
  presence.status(will)
  expect(presence.takeAgents()).toMatchObject([
    { at: 5_000, online: true },
    { at: 5_000, online: false },
  ])
})

test('that an agent was there before it went is told, however soon it went', () => {
  const presence = new Presence()
  for (const one of [status({ at: 1_000 }), status({ at: 2_000 }), will, status({ at: 3_000 })]) presence.status(one)
  const told = presence.takeAgents().map(({ at, online }) => [at, online])
  expect(told).toEqual([
    [2_000, true],
    [2_000, false],
    [3_000, true],
  ])
})

test('of many words of a device the newest counts, and each is told once', () => {
  const presence = new Presence()
  const live = (ts: number) => {
    const columns = { device: ['pump'], metric: ['temperature'], unit: ['°C'], ts: [ts], value: [1] }
    presence.live({ v: 1, site: 'north', agent: 'edge', columns })
  }
  for (const ts of [3_000, 5_000, 4_000]) live(ts)
  expect(presence.takeHeard()).toEqual([{ site: 'north', device: 'pump', agent: 'edge', ts: 5_000 }])
  expect(presence.takeHeard()).toEqual([])
  expect([presence.agentOf('north', 'pump'), presence.agentOf('north', 'fan')]).toEqual(['edge', null])
})

test('while the ingest is cut off, and until agents will have spoken again, it listens to nobody', async () => {
  let problem: string | undefined = 'no connection'
  const listening = new Listening({ problem: () => problem }, 30)
  const after = async (ms: number) => {
    await new Promise((resolve) => setTimeout(resolve, ms))
    return listening.now()
  }
  expect(await after(40)).toBe(false)
  problem = undefined
  expect(listening.now()).toBe(false)
  expect(await after(60)).toBe(true)
  listening.connected()
  expect(listening.now()).toBe(false)
  expect(await after(60)).toBe(true)
})

test('only readings that a rule wants wait, and other rules are asked anew', () => {
  let wanted = 'temperature'
  const readings = new LiveReadings({ wantsReadings: ({ metric }) => metric === wanted })
  const columns = {
    device: ['a', 'a'],
    metric: ['temperature', 'humidity'],
    unit: ['°C', '%'],
    ts: [1, 1],
    value: [1, 2],
  }
  const push = () => readings.push({ v: 1, site: 'north', agent: 'edge', columns })
  push()
  expect(readings.take()).toMatchObject([{ metric: 'temperature', value: 1 }])
  wanted = 'humidity'
  readings.forget()
  push()
  expect(readings.take()).toMatchObject([{ metric: 'humidity', value: 2 }])
})
