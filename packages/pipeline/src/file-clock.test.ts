import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type FileClock, fileClock, readClockFile, writeClockFile } from './index.ts'

const start = 1_763_640_000_000
let elapsed = 0
let folder = ''
let file = ''
const clocks: FileClock[] = []
const time = { wall: () => start + elapsed, steady: () => elapsed }

function openClock(): FileClock {
  const clock = fileClock(file, time)
  clocks.push(clock)
  return clock
}

function pass(ms: number): void {
  for (let left = ms; left > 0; left -= 100) {
    elapsed += Math.min(left, 100)
    vi.advanceTimersByTime(100)
  }
}

beforeEach(() => {
  vi.useFakeTimers()
  elapsed = 0
  folder = mkdtempSync(join(tmpdir(), 'millrace-clock-'))
  file = join(folder, 'clock.json')
})

afterEach(() => {
  for (const clock of clocks.splice(0)) clock.stop()
  vi.useRealTimers()
  rmSync(folder, { recursive: true })
})

test('without a file, and in mode wall, it is the wall clock', () => {
  const clock = openClock()
  pass(5000)
  expect([clock.now() - start, clock.monotonic()]).toEqual([5000, 5000])
  writeClockFile(file, { mode: 'wall' })
  pass(5000)
  expect([clock.now() - start, clock.monotonic()]).toEqual([10_000, 10_000])
})

test('held, both scales stand still', () => {
  writeClockFile(file, { mode: 'held', atMs: start - 3_600_000 })
  const clock = openClock()
  pass(60_000)
  expect([clock.now() - start, clock.monotonic()]).toEqual([-3_600_000, 0])
})

test('running, both scales go at its speed until they meet the wall clock, then at 1', () => {
  writeClockFile(file, { mode: 'running', fromMs: start - 90_000, wallMs: start, speed: 10 })
  const clock = openClock()
  pass(5000)
  expect([clock.now() - start, clock.monotonic()]).toEqual([-40_000, 50_000])
  pass(5000)
  expect([clock.now() - start, clock.monotonic()]).toEqual([10_000, 100_000])
  pass(5000)
  expect([clock.now() - start, clock.monotonic()]).toEqual([15_000, 105_000])
})

test('going from held to running is no step: the monotonic scale is credited with what was noticed late', () => {
  const from = start - 86_400_000
  writeClockFile(file, { mode: 'held', atMs: from })
  const clock = openClock()
  pass(1000)
  elapsed += 20
  writeClockFile(file, { mode: 'running', fromMs: from, wallMs: time.wall(), speed: 60 })
  elapsed += 50
  expect([clock.now() - from, clock.monotonic()]).toEqual([0, 0])
  elapsed += 30
  vi.advanceTimersByTime(100)
  expect([clock.now() - from, clock.monotonic()]).toEqual([4800, 4800])
  pass(1000)
  expect([clock.now() - from, clock.monotonic()]).toEqual([64_800, 64_800])
})

test('whatever states follow each other, the monotonic scale never falls', () => {
  const state = fc.oneof(
    fc.constant({ mode: 'wall' as const }),
    fc.integer({ min: -100_000, max: 100_000 }).map((ms) => ({ mode: 'held' as const, atMs: start + ms })),
    fc.record({
      from: fc.integer({ min: -100_000, max: 1000 }),
      wall: fc.integer({ min: -5000, max: 100 }),
      speed: fc.double({ min: 0.1, max: 100, noNaN: true }),
    }),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(state, fc.nat(400)), { maxLength: 8 }), (steps) => {
      const clock = openClock()
      let last = clock.monotonic()
      for (const [next, ms] of steps) {
        const { mode } = next as { mode?: string }
        const { from, wall, speed } = next as { from: number; wall: number; speed: number }
        const running = { mode: 'running' as const, fromMs: time.wall() + from, wallMs: time.wall() + wall, speed }
        writeClockFile(file, mode ? (next as { mode: 'wall' }) : running)
        pass(ms)
        const now = clock.monotonic()
        if (now < last) return false
        last = now
      }
      return true
    }),
    { numRuns: 60 },
  )
})

test('a file that cannot be read is the wall clock, and writing leaves no other file behind', () => {
  writeFileSync(file, '{"mode":"held"')
  expect(readClockFile(file)).toEqual({ mode: 'wall' })
  writeClockFile(file, { mode: 'held', atMs: 5 })
  expect(readClockFile(file)).toEqual({ mode: 'held', atMs: 5 })
  expect(readdirSync(folder)).toEqual(['clock.json'])
})
