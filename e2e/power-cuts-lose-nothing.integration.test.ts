import { expect, test } from 'vitest'
import { tooGentle } from './crash-images/crash-run.ts'
import { shortImages } from './crash-images/short-images.ts'
import { whyNoTrace } from './crash-images/strace.ts'

const why = whyNoTrace()
if (why !== undefined) process.stdout.write(`power cuts are not tried: ${why}\n`)

test.skipIf(why !== undefined)(
  'whatever a power cut leaves of unflushed writes, agent and ingest start by themselves with everything they had acknowledged',
  { timeout: 1_200_000 },
  async () => {
    const runs = await shortImages(20, () => undefined)
    for (const { violations, ...figures } of runs) {
      process.stdout.write(`${JSON.stringify({ ...figures, violations: violations.length })}\n`)
      expect(violations.slice(0, 5)).toEqual([])
    }
    expect(runs.flatMap(tooGentle)).toEqual([])
  },
)
