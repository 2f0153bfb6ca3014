import { manualClock } from '@millrace/pipeline'
import { describe, expect, it } from 'vitest'
import { atEnd, eventsOf, newHubFolder, textOf } from '../../testing/index.ts'
import type { NewEvent } from '../types.ts'
import { type CoreOptions, openCore } from './open-core.ts'
import { partitionOf } from './partition-of.ts'

const startMs = Date.UTC(2026, 10, 20)

async function open(options: Partial<CoreOptions> = {}) {
  const clock = manualClock(startMs)
  const core = await openCore({ dataDir: newHubFolder(), clock, ...options })
  atEnd(() => core.close())
  return { core, clock, log: core.events.builtIn }
}

const event = (key: string, text = key): NewEvent => ({
  partition: { key },
  body: Buffer.from(text),
  properties: { text, flag: true, none: null },
  annotations: { 'iothub-connection-device-id': key },
  message: { content_type: 'text/plain' },
})
const inPartition = (number: number, text: string): NewEvent => ({ ...event('k', text), partition: { number } })

describe('an event log', () => {
  it('keeps each key in one partition and the order in each partition, without gaps, also over a restart', async () => {
    const dataDir = newHubFolder()
    const { core, log } = await open({ dataDir })
    const sends = Array.from({ length: 300 }, (_, at) => log.append([event(`d${at % 30}`, String(at))]))
    await Promise.all(sends)
    const before = await eventsOf(log)
    await core.close()

    const again = (await open({ dataDir })).log
    await again.append([event('d0', '300')])
    const after = await eventsOf(again)
    expect(after.filter(({ body }) => textOf({ body }) !== '300')).toEqual(before)
    expect(
      after
        .map(textOf)
        .map(Number)
        .sort((a, b) => a - b),
    ).toEqual(Array.from({ length: 301 }, (_, at) => at))
    for (let partition = 0; partition < 4; partition++) {
      const own = after.filter((one) => one.partition === partition)
      expect(own.map(({ sequence }) => sequence)).toEqual(own.map((_, at) => at))
      expect(own.every((one) => partitionOf(one.partitionKey!, 4) === partition)).toBe(true)
      for (const device of new Set(own.map(({ partitionKey }) => partitionKey))) {
        const numbers = own.filter((one) => one.partitionKey === device).map((one) => Number(textOf(one)))
        expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
      }
    }
    expect(new Set(after.map(({ partition }) => partition)).size).toBe(4)
  })

  it('is read from a sequence number, an offset, a time and both ends, inclusive or not', async () => {
    const { log, clock } = await open()
    for (let at = 0; at < 5; at++) {
      await log.append([inPartition(1, String(at))])
      clock.advance(1000)
    }
    const all = await log.read(1, 0, { events: 10, bytes: 1e6 })
    const from = async (position: Parameters<typeof log.locate>[1]) => log.locate(1, position)
    expect(await from({ at: 'earliest' })).toBe(0)
    expect(await from({ at: 'latest' })).toBe(5)
    expect(await from({ sequence: 2, inclusive: false })).toBe(3)
    expect(await from({ sequence: 2, inclusive: true })).toBe(2)
    expect(await from({ offset: all[2]!.offset, inclusive: false })).toBe(3)
    expect(await from({ offset: all[2]!.offset, inclusive: true })).toBe(2)
    expect(await from({ offset: '-1', inclusive: false })).toBe(0)
    expect(await from({ enqueuedMs: startMs + 2000, inclusive: false })).toBe(3)
    expect(await from({ enqueuedMs: startMs + 1500, inclusive: true })).toBe(2)
    expect(await from({ enqueuedMs: startMs + 9000, inclusive: true })).toBe(5)
    expect(log.info(1)).toMatchObject({ firstSequence: 0, lastSequence: 4, lastOffset: all[4]!.offset, isEmpty: false })
    expect(log.info(0)).toMatchObject({ lastSequence: -1, lastOffset: '-1', isEmpty: true })
  })

  it('gives at least one event however small the limit of bytes, and no more than the limits', async () => {
    const { log } = await open()
    await log.append(Array.from({ length: 10 }, () => inPartition(0, 'x'.repeat(1000))))
    expect(await log.read(0, 3, { events: 10, bytes: 1 })).toHaveLength(1)
    expect(await log.read(0, 3, { events: 2, bytes: 1e6 })).toHaveLength(2)
    expect((await log.read(0, 3, { events: 10, bytes: 5000 })).map(({ sequence }) => sequence)).toEqual([3, 4, 5])
  })

  it('wakes who waits, on the partition that grew only', async () => {
    const { log } = await open()
    const stop = new AbortController()
    const woken: number[] = []
    const waits = [0, 1].map((partition) => log.waitFor(partition, 0, stop.signal).then(() => woken.push(partition)))
    await log.append([inPartition(1, 'a')])
    await waits[1]
    expect(woken).toEqual([1])
    stop.abort()
    await Promise.all(waits)
  })

  it('forgets what is older than the retention, and its numbers go on after everything is gone', async () => {
    const dataDir = newHubFolder()
    const { core, log, clock } = await open({ dataDir })
    await log.append([inPartition(0, 'old')])
    clock.advance(1000)
    await log.append([inPartition(0, 'young')])
    const disk = core.events.all()[0] as unknown as { dropBefore(ms: number, most: number): Promise<number> }
    expect(await disk.dropBefore(startMs + 1, 100)).toBe(1)
    expect((await eventsOf(log)).map(textOf)).toEqual(['young'])
    expect(await disk.dropBefore(startMs + 5000, 100)).toBe(1)
    await core.close()
    const again = (await open({ dataDir })).log
    expect(again.info(0)).toMatchObject({ firstSequence: 2, lastSequence: 1, isEmpty: true })
    await again.append([inPartition(0, 'next')])
    expect((await eventsOf(again)).map(({ sequence }) => sequence)).toEqual([2])
  })

  it('refuses a partition that is not there without harm to its neighbours', async () => {
    const { log } = await open()
    const good = log.append([inPartition(0, 'a')])
    await expect(log.append([inPartition(9, 'b')])).rejects.toThrow('no partition 9')
    await good
    expect(await eventsOf(log)).toHaveLength(1)
  })

  it('when the disk space is used up refuses events and still saves state', async () => {
    const { core, log } = await open({ maxBytes: 2 * 1024 * 1024 })
    const large = () => log.append([inPartition(0, 'x'.repeat(200_000))])
    await expect(Promise.all(Array.from({ length: 40 }, large))).rejects.toThrow('disk space')
    await core.registry.create({ deviceId: 'late' })
    const { lastSequence } = log.info(0)
    expect((await eventsOf(log)).map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: lastSequence + 1 }, (_, at) => at),
    )
  })

  it('beside the built-in one has a name of its own, and keeps its partitions', async () => {
    const dataDir = newHubFolder()
    const { core } = await open({ dataDir })
    const [first, second] = await Promise.all([core.events.open('plain', 2), core.events.open('Plain', 8)])
    expect(second).toBe(first)
    await first.append([inPartition(1, 'a')])
    await core.close()
    const again = await (await open({ dataDir })).core.events.open('plain', 5)
    expect(again.partitions).toBe(2)
    expect((await eventsOf(again)).map(textOf)).toEqual(['a'])
  })
})
