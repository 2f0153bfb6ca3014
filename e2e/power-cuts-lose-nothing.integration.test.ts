import { expect, test } from 'vitest'
import { crashRun, tooGentle } from './crash-images/crash-run.ts'
import { whyNoTrace } from './crash-images/strace.ts'
import { services } from './crash-images/subject.ts'

const why = whyNoTrace()
if (why !== undefined) process.stdout.write(`power cuts are not tried: ${why}\n`)

const imagesOfEach = 1_000
/** Flushes in which a life ends by kill -9. */
const lives = { agent: [600, 400], ingest: [120, 80] }

test.skipIf(why !== undefined)(
  'whatever a power cut leaves of unflushed writes, agent and ingest start by themselves with everything they had acknowledged',
  { timeout: 1_200_000 },
  async () => {
    const say = () => undefined
    const runs = await Promise.all(
      services.map((service) => {
        const options = { service, images: imagesOfEach, seed: 20, shares: 1, lives: lives[service] }
        return crashRun({ ...options, lastMs: 7_000, say })
      }),
    )
    for (const { violations, ...figures } of runs) {
      process.stdout.write(`${JSON.stringify({ ...figures, violations: violations.length })}\n`)
      expect(violations.slice(0, 5)).toEqual([])
    }
    expect(runs.flatMap(tooGentle)).toEqual([])
  },
)
