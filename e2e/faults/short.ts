/**
 * The promise in its short form: a few minutes, at least 200 kills and 2,000 crash images, and seven figures at the end.
 *
 *   node e2e/faults/short.ts [--seed N] [--json]
 *
 * Exit code 1 where anything was lost, doubled or unaccounted for, or the run was too gentle; 3 where this system lets
 * nobody trace system calls. InfluxDB and Mosquitto take part where they are on this machine. The figures go to standard
 * output, the story to standard error.
 */
import { parseArgs } from 'node:util'
import { tooGentle } from '../crash-images/crash-run.ts'
import { shortImages } from '../crash-images/short-images.ts'
import { whyNoTrace } from '../crash-images/strace.ts'
import type { Scorecard } from '../oracle/scorecard.ts'
import { killsWith } from './claims/kill-nine.ts'
import { outage } from './claims/outage.ts'
import { isThere, listenForStop, teller } from './program.ts'
import { shortFormOf, shortFormText } from './short-form.ts'

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
  },
})
const why = whyNoTrace()
if (why !== undefined) {
  process.stderr.write(`${why}\n`)
  process.exit(3)
}
const seed = Number(flags.seed)
const beganAt = performance.now()
const say = teller(beganAt)
const signal = listenForStop()
const options = { long: false, seed, signal, say }
const programs = { influxd: isThere('influxd'), mosquitto: isThere('mosquitto') }
const scores: Record<string, Scorecard> = {}
const add = (claim: string, cards: Record<string, Scorecard>) => {
  for (const [stack, card] of Object.entries(cards)) scores[`${claim}, ${stack}`] = card
}

try {
  say(`seed ${seed}: power cuts, 2,000 crash images of agent and ingest`)
  const end = () => process.exit(130)
  signal.addEventListener('abort', end)
  const images = await shortImages(seed, say)
  signal.removeEventListener('abort', end)
  say('kill -9 of agent, ingest and broker, one by one and together, at least 200 times')
  add('kill-nine', await killsWith(programs, options))
  if (programs.influxd) {
    say(outage.says)
    add('outage', await outage.run(options))
  } else say('no outage: there is no influxd on this machine')
  const tookMs = performance.now() - beganAt
  const form = shortFormOf({ scores, images, gentleImages: images.flatMap(tooGentle), tookMs })
  process.stdout.write(flags.json ? `${JSON.stringify(form)}\n` : shortFormText(form))
  process.exitCode ||= form.ok ? 0 : 1
} catch (error) {
  say(`failed: ${error instanceof Error ? error.message : error}`)
  // Nothing that still runs could change that.
  process.exit(process.exitCode || 1)
}
