/**
 * Fault runs by command: each claim on a stack of its own, with the oracle's score at the end.
 *
 *   node e2e/faults/run.ts [--list] [--long] [--seed N] [--json] [claim...]
 *
 * Without names all of them. Ends with exit code 1 where a claim does not hold. Ctrl-C ends the processes of the run and
 * removes its folder.
 */
import { parseArgs } from 'node:util'
import { scorecardText } from '../oracle/scorecard.ts'
import { claims } from './claims/index.ts'

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: 'boolean', default: false },
    long: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
  },
})
const unknown = positionals.filter((name) => !claims.some((claim) => claim.name === name))
if (unknown.length > 0) {
  process.stderr.write(`no such claim: ${unknown.join(', ')}; --list shows them\n`)
  process.exit(2)
}

const stopping = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // The second time at once; what runs is killed at the exit of this process.
    if (stopping.signal.aborted) process.exit(130)
    process.exitCode = 130
    stopping.abort(new Error(`stopped by ${name}`))
    setTimeout(() => process.exit(130), 15_000).unref()
  })
}
const beganAt = performance.now()
const say = (line: string) => {
  process.stderr.write(`${((performance.now() - beganAt) / 1000).toFixed(1).padStart(7)} s  ${line}\n`)
}

for (const claim of claims.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
  if (flags.list) {
    process.stdout.write(`${claim.name.padEnd(22)}${claim.says}\n`)
    continue
  }
  if (stopping.signal.aborted) break
  say(`${claim.name}, seed ${flags.seed}: ${claim.says}`)
  try {
    const scores = await claim.run({ long: flags.long, seed: Number(flags.seed), signal: stopping.signal, say })
    for (const [stack, card] of Object.entries(scores)) {
      const text = `${claim.name}, ${stack}\n${scorecardText(card)}\n`
      process.stdout.write(flags.json ? `${JSON.stringify({ claim: claim.name, stack, ...card })}\n` : text)
      if (!card.ok) process.exitCode = 1
    }
  } catch (error) {
    say(`${claim.name} failed: ${error instanceof Error ? error.message : error}`)
    process.exitCode ||= 1
  }
}
