import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkConfig, manualClock, silentLogger } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ReplayRun, readRuns } from './ledger/index.ts'
import { mapSchema, recountReplays } from './replay/index.ts'
import { startReplay } from './replay-pipeline.ts'
import { collect, objectsOf, openWire, publishersTo, type Wire } from './testing.ts'

const map = checkConfig(
  {
    ...{ format: 'csv', time: { column: 'ts', format: 'epoch-ms' }, site: 'lab', device: 'd{n}', seq: 'seq' },
    metrics: { t: 't' },
  },
  mapSchema,
  'map',
)
const firstMs = Date.UTC(2015, 3, 1)
const rows = Array.from({ length: 1_000 }, (_none, n) => `${firstMs + n * 7_001},${n % 3},${n},${n / 8}`)
const nowMs = Date.UTC(2026, 4, 20, 12)

let folder: string
let file: string
let ledger: string
let wire: Wire
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'replay-'))
  file = join(folder, 'recording.csv')
  ledger = join(folder, 'ledger')
  writeFileSync(file, ['ts,n,seq,t', ...rows, 'not a row'].join('\n'))
  wire = await openWire()
})
afterEach(async () => {
  await wire.close()
  rmSync(folder, { recursive: true })
})

async function replay(at: 'now' | 'original', startMs = nowMs) {
  const [publisher] = await publishersTo(wire.url, 1)
  const parts = { clock: manualClock(startMs), log: silentLogger, publisher: publisher! }
  const before = objectsOf(wire.received).length
  const running = await startReplay({ file, map, at, ledger }, parts)
  await running.finished
  await running.stop()
  // The receiver has a connection of its own: what is acknowledged may still be on its way there.
  const all = () => objectsOf(wire.received).length >= before + running.totals.acked
  await until(all, { label: 'everything acknowledged at the receiver' })
  return running
}

const runs = () => readRuns(ledger) as ReplayRun[]
const recount = (lost: string[] = []) => collect(recountReplays(runs(), (reason) => lost.push(reason)))
const sentLines = () => objectsOf(wire.received).map(({ topic, ...object }) => JSON.stringify({ topic, object }))

describe('a replay', () => {
  it('sends every row as an object in its own time, in the order of the file for each device', async () => {
    const { report, totals } = await replay('original')
    expect(totals).toEqual({ sent: 1_000, acked: 1_000 })
    expect(report).toMatchObject({ lines: 1_002, messages: 1_000, unparsable: 1, passedOver: 1 })
    const objects = objectsOf(wire.received)
    expect(objects.map(({ ts }) => ts).sort()).toEqual(rows.map((row) => Number(row.split(',')[0])).sort())
    for (const device of Map.groupBy(objects, ({ topic }) => topic).values()) {
      const seqs = device.map(({ seq }) => seq as number)
      expect(seqs).toEqual(seqs.toSorted((a, b) => a - b))
    }
    expect(wire.received.length).toBeLessThanOrEqual(12)
  })

  it('is told again by the recount, line by line, with what was acknowledged', async () => {
    await replay('original')
    const told = (await recount()).map(({ site, device, ts, seq, readings, copies }) => {
      expect(copies).toBe(1)
      return JSON.stringify({ topic: `telemetry/${site}/${device}`, object: { ts, seq, readings } })
    })
    expect(told.sort()).toEqual(sentLines().sort())
  })

  it('done twice sends the very same messages, also where times are shifted and time has passed', async () => {
    await replay('now')
    const first = sentLines()
    wire.received.length = 0
    await replay('now', nowMs + 86_400_000)
    expect(sentLines()).toEqual(first)
    const told = await recount()
    expect(told).toHaveLength(1_000)
    expect(told.every(({ copies }) => copies === 2)).toBe(true)
  })

  it('at now ends within the last minute, shifted by whole minutes', async () => {
    await replay('now')
    const times = objectsOf(wire.received).map(({ ts }) => ts as number)
    expect(Math.max(...times)).toBeLessThanOrEqual(nowMs)
    expect(Math.max(...times)).toBeGreaterThan(nowMs - 60_000)
    expect((Math.min(...times) - firstMs) % 60_000).toBe(0)
  })

  it('of a recording that has changed since, or is gone, cannot be recounted, and the recount says so', async () => {
    await replay('original')
    appendFileSync(file, '\n')
    const lost: string[] = []
    expect(await recount(lost)).toEqual([])
    rmSync(file)
    expect(await recount(lost)).toEqual([])
    expect(lost).toEqual([expect.stringMatching(/has changed/), expect.stringMatching(/is gone/)])
  })
})
