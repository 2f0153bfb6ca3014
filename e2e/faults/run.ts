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
import { listenForStop, teller } from './program.ts'

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

const signal = listenForStop()
const say = teller(performance.now())

for (const claim of claims.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
  if (flags.list) {
    process.stdout.write(`${claim.name.padEnd(22)}${claim.says}\n`)
    continue
  }
  if (signal.aborted) break
  say(`${claim.name}, seed ${flags.seed}: ${claim.says}`)
  try {
    const scores = await claim.run({ long: flags.long, seed: Number(flags.seed), signal, say })
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
