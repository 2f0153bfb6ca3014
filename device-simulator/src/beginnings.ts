import type { Run } from './ledger/index.ts'

/** A pause longer than this (or than the history asked for) is left as a gap. */
const longestGapMs = 24 * 3_600_000

/**
 * When each device begins: at the start of the history, or after the last time that the ledger shows as acknowledged,
 * so that a second start goes on where the first was stopped.
 */
export function beginnings(
  runs: readonly Run[],
  { t0Ms, historyMs }: { t0Ms: number; historyMs: number },
): (name: string) => number {
  const lastMs = new Map<string, number>()
  for (const run of runs) {
    if (run.kind !== 'fleet') continue
    for (const [name, progress] of Object.entries(run.progress)) {
      if (progress.lastMs !== null) lastMs.set(name, Math.max(lastMs.get(name) ?? 0, progress.lastMs))
    }
  }
  const earliestMs = t0Ms - Math.max(historyMs, longestGapMs)
  return (name) => {
    const last = lastMs.get(name)
    return last === undefined ? t0Ms - historyMs : Math.max(last + 1, earliestMs)
  }
}
