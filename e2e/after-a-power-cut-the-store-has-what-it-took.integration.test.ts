import { expect, test } from 'vitest'
import { crashRun, tooGentle } from './crash-images/crash-run.ts'
import { whyNoTrace } from './crash-images/strace.ts'

const why = whyNoTrace()
if (why !== undefined) process.stdout.write(`the power of the embedded store is not cut: ${why}\n`)

test.skipIf(why !== undefined)(
  'whatever a power cut leaves, the embedded store opens by itself and has every row that its ingest takes for stored',
  async () => {
    const options = { service: 'store', images: 150, seed: 20, shares: 1, lives: [100, 60], lastMs: 6_000 } as const
    const run = await crashRun({ ...options, say: () => undefined })
    const { violations, ...figures } = run
    process.stdout.write(`${JSON.stringify({ ...figures, violations: violations.length })}\n`)
    expect(violations.slice(0, 5)).toEqual([])
    expect(tooGentle(run)).toEqual([])
  },
)
