import { arch, cpus, release } from 'node:os'
import { createEngine, type Engine } from '@millrace/rules'
import { cpuSeconds, median } from './hot-path/measure.ts'
import { createWorkload } from './hot-path/workload.ts'
import { AgentPath } from './rules/path.ts'
import { fiftyRules } from './rules/rule-set.ts'

// What fifty rules over 10,000 series cost beside the agent's path, in the same process and over the same readings: CPU
// time of judging (rows made for the rules, judged, alerts and state taken at every checkpoint) over CPU time of
// decoding, journal entries, windows and summaries. The first two minutes, in which all series are met, are not counted.
/** As many series for each device as the simulated fleet has. */
const devices = 2_500
const metrics = ['temperature', 'humidity', 'co2', 'energy']
const seconds = 245
const warmUpMs = 130_000
/** Messages of one group commit: what 64 KiB of a socket hold. */
const groupSize = 500
const groupMs = (groupSize / devices) * 1_000
/** A checkpoint every five seconds. */
const checkpointEvery = 25

const rounds = Number(process.argv[2] ?? 5)
const rules = fiftyRules()
const workload = createWorkload({ devices, seconds, metrics })

interface Cost {
  path: number
  rules: number
  rows: number
  alerts: number
  stateBytes: number
}

interface Moment {
  engine: Engine
  path: AgentPath
  nowMs: number
}

function judge({ engine, path, nowMs }: Moment, closed: ReturnType<AgentPath['checkpoint']>) {
  const rows = path.ruleRows(closed)
  engine.heard(path.heard())
  engine.agent({ site: 'bench', agent: 'bench', at: nowMs, online: true, since: workload.startMs })
  engine.advance(nowMs)
  if (rows.length > 0) {
    engine.windows(rows)
    engine.completeness(path.completeness(rows))
  }
  const alerts = engine.takeAlerts()
  const changes = engine.takeChanges()
  return { alerts: alerts.length, bytes: changes.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0) }
}

function round(): Cost {
  const path = new AgentPath(workload.startMs)
  const engine = createEngine({ rules, owner: 'edge', evaluator: 'bench' })
  const cost: Cost = { path: 0, rules: 0, rows: 0, alerts: 0, stateBytes: 0 }
  for (let index = 0; index * groupSize < workload.messageCount; index++) {
    const group = workload.messages(index * groupSize, (index + 1) * groupSize)
    const elapsedMs = index * groupMs
    const counts = elapsedMs >= warmUpMs
    const path1 = cpuSeconds(() => path.take(group, elapsedMs))
    if (counts) cost.path += path1
    if (index % checkpointEvery !== 0) continue
    let closed: ReturnType<AgentPath['checkpoint']> = []
    const path2 = cpuSeconds(() => {
      closed = path.checkpoint()
    })
    let told = { alerts: 0, bytes: 0 }
    const judging = cpuSeconds(() => {
      told = judge({ engine, path, nowMs: workload.startMs + elapsedMs }, closed)
    })
    if (!counts) continue
    cost.path += path2
    cost.rules += judging
    cost.rows += closed.length
    cost.alerts += told.alerts
    cost.stateBytes += told.bytes
  }
  return cost
}

round()
const costs = Array.from({ length: rounds }, round)
const shares = costs.map((cost) => (cost.rules / cost.path) * 100)
const [first] = costs
const minutes = (seconds * 1_000 - warmUpMs) / 60_000
console.log(`Node ${process.version}, ${cpus()[0]?.model.trim()} (${arch()}), Linux ${release()}`)
console.log(
  `${devices * metrics.length} series, ${rules.length} rules; per round ${first!.rows} windows judged, ${first!.alerts} changes of alerts`,
)
console.log(
  `path   ${((median(costs.map((one) => one.path)) / minutes) * 1_000).toFixed(0)} ms CPU a minute of readings`,
)
console.log(
  `rules  ${((median(costs.map((one) => one.rules)) / minutes) * 1_000).toFixed(0)} ms CPU a minute of readings`,
)
console.log(`state  ${(median(costs.map((one) => one.stateBytes)) / minutes / 1_024).toFixed(0)} KiB kept a minute`)
console.log(
  `share  ${median(shares).toFixed(1)} % of the path (${Math.min(...shares).toFixed(1)} to ${Math.max(...shares).toFixed(1)} in ${rounds} rounds); wanted: less than 10 %`,
)
