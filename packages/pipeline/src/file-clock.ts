import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import type { Clock } from './clock.ts'
import { followClock } from './clock-follower.ts'
import { type ClockState, clockState, type TimeSource } from './clock-state.ts'

export interface FileClock extends Clock {
  stop(): void
}

const pollMs = 100
const systemTime: TimeSource = { wall: () => Date.now(), steady: () => performance.now() }

/** Replaces the clock file in one step, so that no reader sees half of it. */
export function writeClockFile(path: string, state: ClockState): void {
  const temporary = `${path}.${process.pid}.tmp`
  writeFileSync(temporary, JSON.stringify(clockState.parse(state)))
  renameSync(temporary, path)
}

/** The state in the file now; a missing or unreadable file is the wall clock. */
export function readClockFile(path: string): ClockState {
  try {
    return clockState.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return { mode: 'wall' }
  }
}

function fileMark(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stat ? `${stat.ino}:${stat.mtimeNs}:${stat.size}` : ''
}

/** The clock that all processes of a stack share through one file; a change is noticed within 100 ms. */
export function fileClock(path: string, time: TimeSource = systemTime): FileClock {
  let mark = fileMark(path)
  const { now, monotonic, change, keep } = followClock(readClockFile(path), time)
  const timer = setInterval(() => {
    const current = fileMark(path)
    if (current === mark) keep()
    else change(readClockFile(path))
    mark = current
  }, pollMs)
  timer.unref()
  return { now, monotonic, stop: () => clearInterval(timer) }
}
