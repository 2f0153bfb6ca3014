import { findMetric, type Metric, sensorCatalogue } from '@millrace/contracts'
import { templateFaults } from '../engine/message.ts'
import type { CompiledRule, RuleSubject } from '../types.ts'
import { durationText } from './duration.ts'
import { insteadOf, type RuleProblem } from './problems.ts'
import type { RuleDefinition } from './schema.ts'

export interface CheckOptions {
  /** Length of the windows, ms; a minute unless given. */
  windowMs?: number
  /** Series that are known to be there, with those the catalogue knows; absent: what a rule selects is not looked for. */
  series?: readonly { site: string; device: string; metric: string }[]
  /** Names of the agents of the sites, likewise. */
  agents?: readonly { site: string; agent: string }[]
}

export interface Check {
  /** Why a rule can never fire, or never clear. */
  problems: RuleProblem[]
  /** What is most likely not meant. */
  warnings: RuleProblem[]
}

type Say = (setting: string, found: string, expected: string) => void

interface Checked extends CheckOptions {
  rule: CompiledRule
  windowMs: number
  problem: Say
  warning: Say
}

/** Fields whose values lie where those of the metric do. */
const levels: ReadonlySet<string> = new Set(['mean', 'min', 'max', 'first', 'last', 'p50', 'p95', 'p99'])

function metricsOf(definition: RuleDefinition): readonly string[] {
  return 'metric' in definition.select ? (definition.select.metric ?? []) : []
}

function isGlob(text: string): boolean {
  return /[*?]/.test(text)
}

function catalogued({ rule, series = [] }: Checked): Metric[] {
  const names = new Set([...sensorCatalogue.map(({ metric }) => metric), ...series.map(({ metric }) => metric)])
  const chosen = metricsOf(rule.definition)
  const matches = [...names].filter((metric) => chosen.length > 0 && rule.selects({ site: siteOf(rule), metric }))
  return matches.flatMap((metric) => findMetric(metric) ?? [])
}

/** A site that the rule selects, to ask it about metrics alone. */
function siteOf(rule: CompiledRule): string {
  return (rule.definition.select.site ?? ['any'])[0]!.replaceAll('*', 'x').replaceAll('?', 'x')
}

function checkMetrics({ rule, series = [], problem }: Checked): void {
  const known = [...new Set([...sensorCatalogue.map(({ metric }) => metric), ...series.map(({ metric }) => metric)])]
  for (const metric of metricsOf(rule.definition)) {
    if (
      isGlob(metric)
        ? !known.some((name) => rule.selects({ site: siteOf(rule), metric: name }))
        : !known.includes(metric)
    ) {
      problem('select.metric', JSON.stringify(metric), `a known metric: ${insteadOf(metric, known)}`)
    }
  }
}

function judgesLevels({ definition }: CompiledRule): boolean {
  if (definition.kind === 'threshold') return levels.has(definition.field ?? 'mean')
  return definition.kind === 'group' && levels.has(definition.field) && !['count', 'spread'].includes(definition.of)
}

/** A bound outside of everything the metric can be: the rule never fires, or never clears. */
function checkRange(checked: Checked): void {
  const { rule, problem } = checked
  const metrics = catalogued(checked)
  if (!judgesLevels(rule) || metrics.length === 0) return
  const [least, most] = [Math.min(...metrics.map(({ min }) => min)), Math.max(...metrics.map(({ max }) => max))]
  const { low, high, clearLow, clearHigh } = rule.bounds
  const range = `${metrics.map(({ metric }) => metric).join(', ')} is from ${least} to ${most}`
  if (high >= most && low <= least)
    problem(boundsSetting(rule), boundsText(rule), `bounds that can be passed: ${range}`)
  else if (clearHigh < least || clearLow > most) problem('clear', boundsText(rule), `a bound that can be met: ${range}`)
}

function boundsSetting({ definition }: CompiledRule): string {
  return ['above', 'below', 'outside'].find((key) => key in definition) ?? 'above'
}

function boundsText({ bounds }: CompiledRule): string {
  const [low, high] = [bounds.low, bounds.high].map((bound) => (Number.isFinite(bound) ? String(bound) : undefined))
  return [low && `below ${low}`, high && `above ${high}`].filter(Boolean).join(' or ')
}

function checkFor({ rule, windowMs, problem, warning }: Checked): void {
  const { definition } = rule
  const onReadings = definition.kind === 'threshold' && definition.on === 'reading'
  const window = `at least one window, ${durationText(windowMs)}`
  if (onReadings || definition.for === undefined || definition.for >= windowMs) return
  const say = definition.kind === 'silence' ? problem : warning
  say(
    'for',
    durationText(definition.for),
    `${window}: ${definition.kind === 'silence' ? 'less is between any two' : 'one bad window fulfils it'}`,
  )
}

function checkOver({ rule: { definition }, windowMs, problem }: Checked): void {
  if (definition.kind !== 'rate' && definition.kind !== 'increase') return
  const { over } = definition
  if (over === undefined || over % windowMs === 0) return
  problem(
    'over',
    durationText(over),
    `a whole number of windows of ${durationText(windowMs)}: there is no window that far back`,
  )
}

const impossible: Record<string, (rule: CompiledRule) => [string, string, string] | undefined> = {
  incomplete: ({ definition, bounds }) =>
    definition.kind === 'incomplete' && definition.missing !== undefined && bounds.high >= 100
      ? ['missing', String(definition.missing), 'a share below 1: more than all cannot be missing']
      : undefined,
  increase: ({ bounds }) =>
    bounds.low <= 0 && !Number.isFinite(bounds.high)
      ? ['below', String(bounds.low), 'more than 0: a counter never shrinks']
      : undefined,
  group: ({ definition, bounds }) =>
    definition.kind === 'group' &&
    ['count', 'spread'].includes(definition.of) &&
    bounds.low <= 0 &&
    !Number.isFinite(bounds.high)
      ? ['below', String(bounds.low), `more than 0: a ${definition.of} is never less`]
      : undefined,
  threshold: ({ definition }) =>
    definition.kind === 'threshold' && definition.on === 'reading' && definition.field !== undefined
      ? ['field', definition.field, 'no field: a reading is one value']
      : undefined,
}

function checkSense(checked: Checked): void {
  const { rule, problem, warning } = checked
  const found = impossible[rule.kind]?.(rule)
  if (found) problem(...found)
  const counters = catalogued(checked)
  const field = 'field' in rule.definition ? rule.definition.field : undefined
  if (
    (rule.kind === 'increase' || field === 'increase') &&
    counters.length > 0 &&
    counters.every(({ kind }) => kind !== 'counter')
  ) {
    problem('select.metric', metricsOf(rule.definition).join(', '), 'a counter: others have no increase')
  }
  for (const fault of templateFaults(rule.definition.message ?? '')) {
    warning('message', fault, 'a known placeholder; the plain message is used instead')
  }
}

function checkOwner({ rule: { at, definition }, problem }: Checked): void {
  if (definition.kind === 'silence' && definition.of === 'agent' && at === 'edge') {
    problem('at', at, 'cloud: an agent cannot tell that it is away itself')
  }
  if (at === 'grafana' && definition.kind === 'threshold' && definition.on === 'reading') {
    problem('at', at, 'edge: readings are judged where they arrive')
  }
}

/** Names what a rule is about among the subjects that are known; `undefined` where none are told. */
function subjectsOf({ rule, series, agents }: Checked): readonly RuleSubject[] | undefined {
  if (rule.cause === 'agent-offline') return agents
  if (rule.kind !== 'silence' && rule.kind !== 'incomplete') return series
  return series?.map(({ site, device }) => ({ site, device }))
}

function checkSelected(checked: Checked): void {
  const subjects = subjectsOf(checked)
  if (subjects === undefined || subjects.some((subject) => checked.rule.selects(subject))) return
  checked.warning('select', 'nothing that is known', 'at least one device that has been heard of')
}

/** Names rules that can never fire, and what is most likely not meant. Paths are `rule {id}: {setting}`. */
export function checkRules(rules: readonly CompiledRule[], options: CheckOptions = {}): Check {
  const check: Check = { problems: [], warnings: [] }
  for (const rule of rules) {
    const say =
      (list: RuleProblem[]): Say =>
      (setting, found, expected) =>
        list.push({ path: `rule ${rule.id}: ${setting}`, found, expected })
    const checked = { windowMs: 60_000, ...options, rule, problem: say(check.problems), warning: say(check.warnings) }
    for (const look of [checkMetrics, checkRange, checkFor, checkOver, checkSense, checkOwner, checkSelected])
      look(checked)
  }
  return check
}
