import { expect } from 'vitest'
import { scorecardText } from '../oracle/scorecard.ts'
import type { Claim } from './claim.ts'
import { isThere } from './program.ts'

/** What of a claim's needs is not on this machine. */
export function absent({ needs }: Claim): string[] {
  return needs.filter((program) => !isThere(program))
}

/** Runs the short form of a claim and expects it to hold; its score is in the test's output. */
export async function hold(claim: Claim): Promise<void> {
  expect(absent(claim), 'programs that are not on this machine').toEqual([])
  const seed = Math.floor(Math.random() * 1e6)
  const lines: string[] = []
  const say = (line: string) => lines.push(line)
  const scores = await claim.run({ long: false, seed, signal: new AbortController().signal, say }).catch((error) => {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}\n${lines.join('\n')}`)
  })
  for (const [stack, card] of Object.entries(scores)) {
    process.stdout.write(`${claim.name}, ${stack}, seed ${seed}\n${scorecardText(card)}\n`)
    expect({ seed, stack, problems: card.problems }).toEqual({ seed, stack, problems: [] })
    const { acknowledgedLoss, duplicateEffects, wrong, unaccounted } = card
    expect([acknowledgedLoss, duplicateEffects, wrong, unaccounted]).toEqual([0, 0, 0, 0])
  }
}
