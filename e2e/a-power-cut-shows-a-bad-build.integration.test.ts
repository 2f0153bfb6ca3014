import { describe, expect, test } from 'vitest'
import { crashRun } from './crash-images/crash-run.ts'
import { whyNoTrace } from './crash-images/strace.ts'

const why = whyNoTrace()
if (why !== undefined) process.stdout.write(`bad builds are not cut: ${why}\n`)

const lost = { agent: 'an acknowledged reading is gone', ingest: 'a receipted message is gone' }
const builds: [string, keyof typeof lost][] = [
  ['early-puback', 'agent'],
  ['synchronous-off', 'agent'],
  ['synchronous-normal', 'agent'],
  ['unflushed-folders', 'agent'],
  ['early-receipt', 'ingest'],
  ['synchronous-off', 'ingest'],
  ['synchronous-normal', 'ingest'],
  ['unflushed-folders', 'ingest'],
]

async function shortRun(service: keyof typeof lost, mutant: string | undefined): Promise<string> {
  const options = { service, mutant, images: 40, seed: 20, shares: 1, lives: [], lastMs: 3_000 }
  const { violations } = await crashRun({ ...options, say: () => undefined })
  return violations.flatMap(({ breaches }) => breaches).join('\n')
}

describe.skipIf(why !== undefined).concurrent('a short run of power cuts', () => {
  // Of a mutant, where one is under test: then these two fail.
  test.each(['agent', 'ingest'] as const)('finds nothing in the %s as it is', async (service) => {
    expect(await shortRun(service, process.env.MILLRACE_MUTANT)).toBe('')
  })

  // Kill -9 shows none of these: what was written and not flushed outlives a process.
  test.each(builds)('finds out %s in the %s', async (mutant, service) => {
    expect(await shortRun(service, mutant)).toContain(lost[service])
  })
})
