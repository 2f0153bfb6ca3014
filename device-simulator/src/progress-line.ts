import type { Totals } from './progress.ts'

const everyMs = 1_000

export interface ProgressSource {
  totals: Readonly<Totals>
  /** What else stands behind the counts. */
  details(): string
}

/** Prints rate, sent and acknowledged each second, until stopped, which prints once more. */
export function startProgressLine({ totals, details }: ProgressSource, print: (line: string) => void): () => void {
  let lastSent = totals.sent
  let lastMs = performance.now()
  const line = (details: string) => {
    const now = performance.now()
    const rate = Math.round(((totals.sent - lastSent) * 1_000) / Math.max(1, now - lastMs))
    lastSent = totals.sent
    lastMs = now
    print(`${rate}/s, sent ${totals.sent}, acknowledged ${totals.acked}${details}`)
  }
  const timer = setInterval(() => line(details()), everyMs)
  return () => {
    clearInterval(timer)
    line('')
  }
}
