import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { Killing } from './faults/kills.ts'
import { withStack } from './faults/with-stack.ts'
import { randomOf } from './oracle/publish.ts'

const loader = pathToFileURL(`${import.meta.dirname}/../mutants/load.ts`).href
const windowMs = 10_000
const kills = 10

/** Shows that the kill runs can fail: an agent that acknowledges before its commit passes every test without a kill. */
it('kills of an agent that acknowledges before it commits show readings that were acknowledged and are lost', async () => {
  const seed = Math.floor(Math.random() * 1e6)
  const { signal } = new AbortController()
  const lines: string[] = []
  const say = (line: string) => lines.push(line)
  const environment = { NODE_OPTIONS: `--import "${loader}"`, MILLRACE_MUTANT: 'early-puback-slow-commit' }
  const card = await withStack({ windowMs, environment, signal, say, withinMs: 300_000 }, async (stack) => {
    const begin = Date.now() - 6 * 3_600_000
    const oracle = stack.startOracle({ speed: 10, rate: 50, devices: 6, begin, seed })
    const rounds = [{ victims: ['agent'] as const, atOnce: false }]
    const killing = new Killing(stack, oracle, {
      kills,
      rounds,
      withinMs: 120_000,
      random: randomOf(seed),
      signal,
      say,
    })
    const faults = await killing.run()
    oracle.calm()
    await oracle.finish()
    return await oracle.check({ faults, demands: {}, patienceSeconds: 12 })
  })
  expect(card.acknowledgedLoss, `seed ${seed}\n${lines.join('\n')}`).toBeGreaterThan(0)
  expect(card.ok).toBe(false)
})
