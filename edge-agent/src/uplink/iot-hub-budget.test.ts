import { manualClock } from '@millrace/pipeline'
import { describe, expect, it } from 'vitest'
import { Budget, defaultBlocksPerDay } from './iot-hub-budget.ts'

const hour = 3_600_000
const midnight = Date.UTC(2026, 0, 5)

function fixture(maxBlocksPerDay = 1_000, startMs = midnight) {
  const clock = manualClock(startMs)
  const kept = new Map<string, Uint8Array>()
  const saves: string[] = []
  const state = {
    load: async (key: string) => kept.get(key),
    save: async (key: string, bytes: Uint8Array) => {
      saves.push(key)
      kept.set(key, bytes)
    },
  }
  const open = async () => {
    const budget = new Budget({ maxBlocksPerDay, blockBytes: 4_096, clock, state })
    await budget.restore()
    return budget
  }
  return { clock, open, saves, kept }
}

async function use(budget: Budget, blocks: number, keeps = true): Promise<void> {
  for (let at = 0; at < blocks; at++) {
    if (keeps) expect(await budget.admits(1)).toBe(true)
    else budget.count(1, false)
  }
}

describe('the blocks of a day', () => {
  it('are counted in whole ones, each message at least one, and repeats too', async () => {
    const budget = await fixture().open()
    for (const [bytes, blocks] of [
      [0, 1],
      [4_096, 1],
      [4_097, 2],
      [192 * 1024, 48],
    ] as const) {
      expect(budget.blocksOf(bytes)).toBe(blocks)
    }
    budget.count(4_097, true)
    budget.count(4_097, true)
    expect(budget.status()).toMatchObject({ used: 4, day: '2026-01-05', maxBlocksPerDay: 1_000 })
  })

  it('are 80 % of the tier and its units unless set', () => {
    expect(defaultBlocksPerDay('S1', 1)).toBe(320_000)
    expect(defaultBlocksPerDay('F1', 1)).toBe(6_400)
    expect(defaultBlocksPerDay('S2', 3)).toBe(14_400_000)
  })

  it('are never fewer after a kill than were used, and not every message costs a write', async () => {
    const { open, saves } = fixture()
    const before = await open()
    await use(before, 500)
    expect(saves.length).toBeLessThan(20)
    const { used } = (await open()).status()
    expect(used).toBeGreaterThanOrEqual(500)
    expect(used).toBeLessThanOrEqual(564)
  })

  it('begin anew with the next day in UTC, for what is held too', async () => {
    const { clock, open } = fixture(100)
    const budget = await open()
    await use(budget, 100)
    expect(await budget.admits(1)).toBe(false)
    expect(budget.stage).toBe('held')
    expect(budget.status().reachedAt).toBe(new Date(midnight).toISOString())
    clock.advance(24 * hour)
    expect(await budget.admits(1)).toBe(true)
    expect(budget.status()).toMatchObject({ used: 1, stage: 'free', day: '2026-01-06' })
    clock.advance(24 * hour)
    expect((await open()).status().used).toBe(0)
  })

  it('say when the limit will be reached, and give up live readings first, then small bodies', async () => {
    const { clock, open } = fixture(2_400)
    const budget = await open()
    const hourOf = async (kept: number, other: number) => {
      for (let minute = 0; minute < 60; minute++) {
        if (minute < kept) await use(budget, 1)
        if (minute < other) await use(budget, 1, false)
        clock.advance(60_000)
      }
    }
    await hourOf(50, 0)
    expect(budget.status()).toMatchObject({ stage: 'free', blocksPerHour: 50, reachedAt: null })
    await hourOf(60, 60)
    await hourOf(60, 60)
    const { stage, reachedAt, blocksPerHour } = budget.status()
    expect([stage, blocksPerHour]).toEqual(['no-live', 120])
    expect(Date.parse(reachedAt!)).toBeCloseTo(midnight + 3 * hour + ((2_400 - 290) / 120) * hour, -6)
    await use(budget, 1_900)
    expect(budget.stage).toBe('packing')
    budget.maxBlocksPerDay = 100_000
    expect(budget.status()).toMatchObject({ used: 2_190 })
  })

  it('are not overdrawn by messages that ask at the same moment', async () => {
    const budget = await fixture(5).open()
    const admitted = await Promise.all(Array.from({ length: 32 }, () => budget.admits(4_097)))
    expect(admitted.filter((is) => is)).toHaveLength(3)
    expect(budget.status()).toMatchObject({ used: 6, stage: 'held' })
  })

  it('that cannot be read are counted anew', async () => {
    const { open, kept } = fixture()
    kept.set('budget', Buffer.from('{"day":'))
    expect((await open()).status().used).toBe(0)
  })
})
