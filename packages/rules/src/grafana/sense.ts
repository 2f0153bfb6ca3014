import { durationText } from '../definition/duration.ts'
import type { RuleProblem } from '../definition/problems.ts'
import type { RuleDefinition, RuleKind } from '../definition/schema.ts'
import type { CompiledRule } from '../types.ts'

export interface GrafanaSettings {
  /** Length of the windows that are stored, ms. */
  windowMs: number
}

const elsewhere = 'at: edge or at: cloud'

/** Why Grafana cannot be given rules of a kind. */
const refused: Partial<Record<RuleKind, string>> = {
  silence: `${elsewhere}: Grafana does not know whether the agent of a silent device is there`,
  deviation: `${elsewhere}: Grafana does not compare with the same hour of earlier days`,
  increase: `${elsewhere}: Grafana does not know what a counter did at its reset`,
}

type Say = (setting: string, found: string, expected: string) => void

/** A window count as a whole number, at least one. */
export function windowsIn(ms: number, { windowMs }: GrafanaSettings): number {
  return Math.max(1, Math.ceil(ms / windowMs))
}

function checkBounds(definition: RuleDefinition, say: Say): void {
  if ('outside' in definition && definition.outside !== undefined)
    say('outside', JSON.stringify(definition.outside), 'two rules, one with above and one with below')
  if ('clear' in definition && definition.clear !== undefined)
    say(
      'clear',
      JSON.stringify(definition.clear),
      `nothing, or ${elsewhere}: Grafana has no hysteresis before its version 11`,
    )
}

function checkTimes(definition: RuleDefinition, { settings, say }: { settings: GrafanaSettings; say: Say }): void {
  if (definition.kind !== 'rate') return
  if (definition.for !== undefined && definition.for > settings.windowMs)
    say('for', durationText(definition.for), `nothing, or ${elsewhere}: make over longer instead`)
  if (definition.over < 2 * settings.windowMs)
    say('over', durationText(definition.over), `at least two windows, ${durationText(2 * settings.windowMs)}`)
}

/** What Grafana does not know of an alert when it makes its text. */
const unknown = ['start', 'agent']

function checkMessage({ message = '' }: RuleDefinition, say: Say): void {
  for (const name of unknown)
    if (message.includes(`{${name}}`))
      say(
        'message',
        `{${name}}`,
        'what Grafana knows: rule, site, device, metric, value, threshold, unit, severity, for, labels.x',
      )
}

/** Everything in a rule `at: grafana` that Grafana 9.4 and 11 cannot do alike; none of a rule of another owner. */
export function grafanaProblems({ id, at, definition }: CompiledRule, settings: GrafanaSettings): RuleProblem[] {
  if (at !== 'grafana') return []
  const problems: RuleProblem[] = []
  const say: Say = (setting, found, expected) => {
    problems.push({ path: `rule ${id}: ${setting}`, found, expected })
  }
  const why = refused[definition.kind]
  if (why !== undefined) say('kind', `${definition.kind} with at: grafana`, why)
  if ('on' in definition && definition.on === 'reading')
    say('on', 'reading with at: grafana', `summary, or ${elsewhere}: readings are kept for a day and come late there`)
  const labels = Object.keys(definition.select.labels)
  if (labels.length > 0)
    say('select.labels', labels.join(', '), 'site and device: Grafana knows nothing of the labels of devices')
  checkBounds(definition, say)
  checkTimes(definition, { settings, say })
  checkMessage(definition, say)
  return problems
}
