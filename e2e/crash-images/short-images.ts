import { type CrashRun, crashRun } from './crash-run.ts'
import { services } from './subject.ts'

/** Flushes in which a life ends by kill -9. */
const lives = { agent: [600, 400], ingest: [120, 80] }

/** A thousand images of each service, judged side by side: what tests and short form run. */
export async function shortImages(seed: number, say: (line: string) => void): Promise<CrashRun[]> {
  return await Promise.all(
    services.map((service) => {
      return crashRun({ service, images: 1_000, seed, shares: 1, lives: lives[service], lastMs: 7_000, say })
    }),
  )
}
