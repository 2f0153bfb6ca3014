import { compileRules } from '../definition/compile.ts'
import type { CompiledRule, RuleCompleteness, RuleWindow } from '../types.ts'

export const minute = 60_000
/** An hour on the hour. */
export const t0 = Date.UTC(2026, 0, 5, 12)

export interface RowOptions {
  site?: string
  device?: string
  metric?: string
  rev?: number
  lengthMs?: number
  increase?: number | null
  agent?: string | null
}

/** A window whose fields are all one value, `at` windows after `t0`. */
export function row(at: number, value: number, options: RowOptions = {}): RuleWindow {
  const { site = 'hall', device = 't1', metric = 'temperature', rev = 0, lengthMs = minute, increase = null } = options
  const start = t0 + at * lengthMs
  const same = { sum: value, min: value, max: value, mean: value, first: value, last: value }
  return {
    ...{ site, device, metric, unit: '°C', start, lengthMs, rev, count: 1, stddev: 0, ...same },
    ...{ p50: value, p95: value, p99: value, firstTs: start, lastTs: start + lengthMs - 1, increase },
    agent: options.agent ?? null,
  }
}

export function messages(at: number, came: number, expected: number | null = 60): RuleCompleteness {
  const start = t0 + at * minute
  return { site: 'hall', device: 't1', agent: 'edge-1', start, lengthMs: minute, rev: 0, messages: came, expected }
}

/** Compiled rules of what a file would say; throws on problems. */
export function rulesOf(...rules: object[]): CompiledRule[] {
  const set = compileRules([{ name: 'test.yaml', content: { rules: rules.map((rule) => ({ at: 'cloud', ...rule })) } }])
  if (set.problems.length > 0) throw new Error(JSON.stringify(set.problems))
  return set.rules
}
