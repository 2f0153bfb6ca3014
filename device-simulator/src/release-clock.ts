import { readClockFile, writeClockFile } from '@millrace/pipeline'
import type { Settings } from './settings.ts'

/** Lets a held clock run: the past is through, the present may begin. */
export function releaseClock({ clock, clockRun }: Settings): void {
  if (clock === undefined || !clockRun) return
  const state = readClockFile(clock)
  if (state.mode !== 'held') return
  writeClockFile(clock, { mode: 'running', fromMs: state.atMs, wallMs: Date.now(), speed: clockRun.speed })
}
