import { arch, cpus, release } from 'node:os'
import { median } from './hot-path/measure.ts'
import { createWorkload } from './hot-path/workload.ts'
import { AgentPath, free, type PathCost } from './rules/path.ts'
import { fiftyRules } from './rules/rule-set.ts'
import { type StormMinute, storm } from './rules/storm.ts'

// What fifty rules over 10,000 series cost beside the agent's path, in the same process and over the same readings: CPU
// time of judging (from the closed rows to alerts and state, at every checkpoint) over CPU time of decoding, journal
// entries, windows and summaries. It is the agent's own code but for its disk. The first two minutes, in which all series
// are met, are not counted.
/** As many series for each device as the simulated fleet has. */
const devices = 2_500
const metrics = ['temperature', 'humidity', 'co2', 'energy']
const warmUpMs = 130_000
const seconds = warmUpMs / 1_000 + 4 * 60
/** Messages of one group commit: what 64 KiB of a socket hold. */
const groupSize = 500
const groupMs = (groupSize / devices) * 1_000
/** A checkpoint every five seconds. */
const checkpointEvery = 25

const rounds = Number(process.argv[2] ?? 5)
const rules = fiftyRules()
const workload = createWorkload({ devices, seconds, metrics })

async function round(): Promise<PathCost> {
  const path = new AgentPath(workload.startMs, rules)
  for (let index = 0; index * groupSize < workload.messageCount; index++) {
    const elapsedMs = index * groupMs
    if (elapsedMs === warmUpMs) path.takeCost()
    path.take(workload.messages(index * groupSize, (index + 1) * groupSize), elapsedMs)
    if (index % checkpointEvery === 0) await path.checkpoint()
  }
  return path.takeCost()
}

/** Rules that judge windows of a series, on average. */
function rulesOfSeries(): number {
  const series = metrics.flatMap((metric) =>
    Array.from({ length: devices }, (_, n) => {
      return { site: `site-${n % 3}`, device: `dev-${String(n).padStart(5, '0')}`, metric }
    }),
  )
  const count = (one: (typeof series)[number]) => rules.filter((rule) => rule.selects(one)).length
  return series.reduce((sum, one) => sum + count(one), 0) / series.length
}

await round()
const costs: PathCost[] = []
for (let left = rounds; left > 0; left--) costs.push(await round())
const [first = free] = costs
const minutes = (seconds * 1_000 - warmUpMs) / 60_000
const shares = costs.map((cost) => (cost.rules / cost.path) * 100)

function perMinute(of: (cost: PathCost) => number): string {
  return ((median(costs.map(of)) / minutes) * 1_000).toFixed(0)
}

console.log(`Node ${process.version}, ${cpus()[0]?.model.trim()} (${arch()}), Linux ${release()}`)
console.log(
  `${devices * metrics.length} series, ${rules.length} rules, ${rulesOfSeries().toFixed(1)} of them for a series on average;`,
  `per round ${first.rows} windows judged, ${first.alerts} changes of alerts`,
)
console.log(`path   ${perMinute((cost) => cost.path)} ms CPU a minute of readings: decode, journal, windows, summaries`)
console.log(`rules  ${perMinute((cost) => cost.rules)} ms CPU a minute of readings`)
console.log(
  `disk   ${perMinute((cost) => cost.keeping)} ms CPU a minute of readings: windows encoded for it, in neither`,
)
console.log(`state  ${perMinute((cost) => cost.stateBytes / 1_024_000)} KiB of the rules kept a minute`)
console.log(
  `share  ${median(shares).toFixed(1)} % of the path (${Math.min(...shares).toFixed(1)} to ${Math.max(...shares).toFixed(1)} in ${rounds} rounds); wanted: less than 10 %`,
)

const all = storm(devices * metrics.length, 240)
const judged = (minutes: readonly StormMinute[]) => `${median(minutes.map(({ ms }) => ms)).toFixed(0)} ms`
const raised = all.filter(({ told }) => told > 0)
console.log(
  `storm  ${raised.reduce((sum, { told }) => sum + told, 0)} alerts at once: ${judged(raised)} CPU in the minute that raises them,`,
  `${judged(all.slice(10, 40))} a minute while they are active, ${judged(all.slice(-30))} after four hours`,
)
