import { once } from 'node:events'
import { existsSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { UsageError } from '@millrace/pipeline'
import { readRuns } from './ledger/index.ts'
import { recountFleet } from './recount.ts'
import { recountReplays } from './replay/index.ts'
import type { SentMessage } from './sent-message.ts'

/**
 * Prints every message of a ledger as a line of JSON, then a line with the sums. Returns the exit code: 1 where a
 * recording is gone or has changed, so that its messages cannot be told.
 */
export async function printRecount(folder: string, out: Writable): Promise<number> {
  if (!existsSync(folder)) {
    throw new UsageError('there is no ledger', [
      { path: 'ledger', found: `${folder}, which does not exist`, expected: 'the folder that a run was given' },
    ])
  }
  const runs = readRuns(folder)
  let messages = 0
  const write = async (line: unknown) => {
    if (!out.write(`${JSON.stringify(line)}\n`)) await once(out, 'drain')
  }
  const printAll = async (lines: AsyncIterable<SentMessage>) => {
    for await (const line of lines) {
      messages++
      await write(line)
    }
  }
  for (const run of runs) if (run.kind === 'fleet') await printAll(recountFleet(folder, run))
  const lost: string[] = []
  await printAll(
    recountReplays(
      runs.filter((run) => run.kind === 'replay'),
      (reason) => lost.push(reason),
    ),
  )
  const repeats = runs.reduce((sum, run) => sum + run.repeats, 0)
  const reproducible = lost.length === 0
  await write({
    end: true,
    runs: runs.length,
    messages,
    repeats,
    reproducible,
    ...(!reproducible && { reasons: lost }),
  })
  return reproducible ? 0 : 1
}
