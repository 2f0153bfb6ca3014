import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ManualClock, manualClock, silentLogger } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FleetRun, readRuns } from './ledger/index.ts'
import { perturbations } from './perturb/index.ts'
import { type Simulation, type SimulationSettings, startSimulation } from './pipeline.ts'
import { recountFleet } from './recount.ts'
import type { SentMessage } from './sent-message.ts'
import { collect, noonMs, objectsOf, openWire, publishersTo, smallFleet, type Wire } from './testing.ts'

let folder: string
let wire: Wire
let clock: ManualClock
let running: Simulation | undefined
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'simulator-'))
  wire = await openWire()
  clock = manualClock(noonMs)
})
afterEach(async () => {
  await running?.stop()
  running = undefined
  await wire.close()
  rmSync(folder, { recursive: true })
})

const everything = Object.fromEntries(perturbations.map(({ name }) => [name, 0.05]))

async function start(settings: Partial<SimulationSettings> = {}): Promise<Simulation> {
  running = await startSimulation(
    { fleet: smallFleet(), scale: { seed: 5 }, perturb: {}, historyMs: 0, ledger: folder, ...settings },
    { clock, log: silentLogger, publishers: await publishersTo(wire.url, 2) },
  )
  return running
}

/** Lets event time pass in steps as a real clock does. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) {
    clock.advance(500)
    await until(() => running!.behindMs() === 0 && running!.totals.acked === running!.totals.sent, { everyMs: 1 })
  }
}

/** The receiver has a connection of its own: what is acknowledged may still be on its way there. */
async function arrived(before = 0): Promise<void> {
  const all = () => objectsOf(wire.received.slice(before)).length >= running!.totals.acked
  await until(all, { label: 'everything acknowledged at the receiver' })
}

async function recounted(run: number): Promise<SentMessage[]> {
  return await collect(recountFleet(folder, readRuns(folder)[run] as FleetRun))
}

const keyOf = ({ site, device, ts, seq, boot }: SentMessage) => `${site}/${device} ${ts} ${boot} ${seq}`
const arrivedKey = (object: ReturnType<typeof objectsOf>[number]) =>
  `${object.topic.slice('telemetry/'.length)} ${object.ts} ${object.boot} ${object.seq}`
const byText = (lines: unknown[]) => lines.map((line) => JSON.stringify(line)).sort()

describe('a recount', () => {
  it('tells exactly what a broker received: every object with its readings, and which are acknowledged', async () => {
    await start({
      historyMs: 600_000,
      perturb: { duplicate: 0.1, late: 0.1, 'out-of-order': 0.1, reboot: 0.01, dropout: 0.1 },
    })
    await running!.historyDone
    await pass(5_000)
    await running!.stop()
    await arrived()
    const expected = (await recounted(0)).flatMap((message) =>
      Array.from({ length: message.copies }, () => [keyOf(message), message.readings]),
    )
    const found = objectsOf(wire.received).map((object) => [arrivedKey(object), object.readings])
    expect(found.length).toBeGreaterThan(3_000)
    expect(byText(found)).toEqual(byText(expected))
  })

  it('knows of spoilt and future messages too: as many bodies as copies, nothing sent that it does not tell', async () => {
    await start({ historyMs: 60_000, perturb: everything })
    await pass(60_000)
    await running!.stop()
    const lines = await recounted(0)
    const copies = lines.reduce((sum, line) => sum + line.copies, 0)
    expect(copies).toBe(running!.totals.acked)
    const reasons = new Set(lines.flatMap(({ setAside = {} }) => Object.values(setAside)))
    expect([...reasons]).toEqual(expect.arrayContaining(['future', 'bad-value', 'bad-json']))
    for (const { readings, setAside = {} } of lines) {
      for (const metric of Object.keys(setAside)) expect(readings).not.toHaveProperty([metric])
    }
  })

  it('says the same however the run was cut into pumps and connections', async () => {
    const endsMs = 30_000
    const streams: string[][] = []
    for (const step of [500, 30_000]) {
      const ledger = join(folder, `${step}`)
      clock = manualClock(noonMs)
      await start({ ledger, perturb: everything, durationMs: endsMs })
      for (let passed = 0; passed < endsMs; passed += step) clock.advance(step)
      await running!.finished
      await running!.stop()
      streams.push(byText(await collect(recountFleet(ledger, readRuns(ledger)[0] as FleetRun))))
    }
    expect(streams[0]!.length).toBeGreaterThan(100)
    expect(streams[0]).toEqual(streams[1])
  })
})

describe('history', () => {
  it('goes through the wire in arrays before T0 is reached, and nothing of the future with it', async () => {
    await start({ historyMs: 600_000 })
    await running!.historyDone
    await arrived()
    const objects = objectsOf(wire.received)
    expect(wire.received.length).toBeLessThan(objects.length / 20)
    const times = objects.map(({ ts }) => ts as number)
    expect(Math.min(...times)).toBeLessThan(noonMs - 598_000)
    expect(Math.max(...times)).toBeLessThanOrEqual(noonMs)
    expect(objects.length).toBe(running!.totals.acked)
  })

  it('is not sent again by a second start, which goes on after what was acknowledged', async () => {
    await start({ historyMs: 60_000 })
    await pass(10_000)
    await running!.stop()
    await arrived()
    const first = wire.received.length
    clock.advance(120_000)
    await start({ historyMs: 60_000 })
    await running!.historyDone
    await running!.stop()
    await arrived(first)
    const times = Map.groupBy(objectsOf(wire.received.slice(first)), ({ topic }) => topic)
    const before = Map.groupBy(objectsOf(wire.received.slice(0, first)), ({ topic }) => topic)
    for (const [topic, objects] of times) {
      const last = Math.max(...before.get(topic)!.map(({ ts }) => ts as number))
      const begins = Math.min(...objects.map(({ ts }) => ts as number))
      expect(begins).toBeGreaterThan(last)
      expect(begins).toBeLessThan(last + 2_500)
    }
    expect(readRuns(folder).map(({ run, ended }) => ({ run, ended }))).toEqual([
      { run: 0, ended: true },
      { run: 1, ended: true },
    ])
    const boots = new Set((await Promise.all([recounted(0), recounted(1)])).map(([line]) => line!.boot))
    expect(boots.size).toBe(2)
  })
})

describe('the ledger', () => {
  it('is on disk with a horizon before anything beyond it is sent', async () => {
    await start()
    for (let second = 0; second < 20; second++) {
      clock.advance(1_000)
      await new Promise((resolve) => setTimeout(resolve, 15))
      const { horizonMs } = readRuns(folder)[0] as FleetRun
      for (const { ts } of objectsOf(wire.received)) expect(ts).toBeLessThanOrEqual(horizonMs)
    }
    expect(running!.totals.sent).toBeGreaterThan(20)
  })

  it('demands nothing of what was never sent: messages without an acknowledgement are told as such', async () => {
    await start()
    await pass(5_000)
    await wire.close()
    clock.advance(3_000)
    await until(() => running!.totals.sent > running!.totals.acked)
    const { acked, sent } = running!.totals
    await running!.stop()
    wire = await openWire()
    const lines = await recounted(0)
    expect(lines.filter((line) => line.acked)).toHaveLength(acked)
    expect(lines).toHaveLength(sent)
  })

  it('that is damaged is named, not overwritten', async () => {
    writeFileSync(join(folder, 'run-0.json'), '{"v":1')
    await expect(start()).rejects.toThrow(/run-0\.json is not a ledger/)
    expect(readFileSync(join(folder, 'run-0.json'), 'utf8')).toBe('{"v":1')
  })
})

it('what a broker did not acknowledge is sent to the next one, and the ledger counts it as repeated', async () => {
  await wire.close()
  wire = await openWire({ deaf: true })
  await start()
  clock.advance(2_000)
  await until(() => running!.totals.sent > 5 && running!.connected() === 2)
  const onPort = Number(new URL(wire.url).port)
  await wire.close()
  wire = await openWire({ onPort })
  await until(() => running!.totals.acked === running!.totals.sent, { withinMs: 15_000 })
  await running!.stop()
  expect((await recounted(0)).every(({ acked }) => acked)).toBe(true)
  const { repeats } = readRuns(folder)[0]!
  expect(repeats).toBeGreaterThan(0)
  expect(repeats).toBeLessThanOrEqual(running!.totals.sent)
})

it('a measured device sends what it finds now, and keeps it in full', async () => {
  const fleet = smallFleet()
  fleet.sites[0]!.devices.push({
    ...fleet.sites[0]!.devices[0]!,
    device: 'here',
    jitter: 0,
    sensors: [{ type: 'host' }],
  })
  await start({ fleet, historyMs: 60_000 })
  await pass(4_000)
  await running!.stop()
  await arrived()
  const found = objectsOf(wire.received).filter(({ topic }) => topic.endsWith('/here'))
  const lines = (await recounted(0)).filter(({ device }) => device === 'here')
  expect(lines).toHaveLength(4)
  expect(lines.every(({ acked, ts }) => acked && ts! >= noonMs)).toBe(true)
  expect(found.map(({ readings }) => readings)).toEqual(lines.map(({ readings }) => readings))
})
