import { compileRules, createEngine, type RuleWindow } from '@millrace/rules'
import { cpuSeconds } from '../hot-path/measure.ts'

const startMs = Date.UTC(2025, 10, 20, 12)
const minute = 60_000

/** CPU of judging one minute of a fleet that is all too warm, and how many alerts that told. */
export interface StormMinute {
  ms: number
  told: number
}

function rowsAt(start: number, series: number): RuleWindow[] {
  const same = { sum: 9, min: 9, max: 9, mean: 9, first: 9, last: 9, p50: 9, p95: 9, p99: 9 }
  const names = { site: 'hall', metric: 'temperature', unit: '°C', agent: 'bench' }
  const times = { start, lengthMs: minute, firstTs: start, lastTs: start + minute - 1 }
  return Array.from({ length: series }, (_, n) => {
    return { ...names, device: `dev-${n}`, ...times, rev: 0, count: 1, stddev: 0, increase: null, ...same }
  })
}

/** Every series is bad for `minutes`, from the first window on; alerts come in the third. */
export function storm(series: number, minutes: number): StormMinute[] {
  const rule = { id: 'warm', at: 'edge', kind: 'threshold', above: 8, for: '3m' }
  const { rules } = compileRules([{ name: 'bench.yaml', content: { rules: [rule] } }])
  const engine = createEngine({ rules, owner: 'edge', evaluator: 'bench' })
  return Array.from({ length: minutes }, (_, at) => {
    const rows = rowsAt(startMs + at * minute, series)
    let told = 0
    const seconds = cpuSeconds(() => {
      engine.advance(startMs + (at + 1) * minute)
      engine.windows(rows)
      told = engine.takeAlerts().length
      engine.takeChanges()
    })
    return { ms: seconds * 1_000, told }
  })
}
