import type { Alert } from '@millrace/contracts'
import type { CompiledRule } from '../types.ts'

/** Names a template can use; `labels.x` is the label x. */
export const templateFields = [
  'rule',
  'site',
  'device',
  'metric',
  'agent',
  'value',
  'threshold',
  'unit',
  'severity',
  'start',
  'for',
] as const

const placeholder = /\{([^{}]*)\}/g
const longest = 1_000

export type MessageFacts = Omit<Alert, 'message' | 'change' | 'rev' | 'learned' | 'movedFrom'>

/** A number as people read it: at most four digits after those that matter. */
export function numberText(value: number | null): string {
  return value === null ? '-' : String(Number(value.toPrecision(6)))
}

function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

function labelText(name: string, { labels }: MessageFacts): string {
  return Object.hasOwn(labels, name) ? labels[name]! : ''
}

function fieldText(name: string, facts: MessageFacts, rule: CompiledRule): string | undefined {
  if (name.startsWith('labels.')) return labelText(name.slice(7), facts)
  switch (name) {
    case 'value':
    case 'threshold':
      return numberText(facts[name])
    case 'start':
      return timeText(facts.start)
    case 'for':
      return `${(rule.definition.for ?? 0) / 1000} s`
    case 'rule':
    case 'site':
    case 'severity':
    case 'unit':
      return facts[name]
    case 'device':
    case 'metric':
    case 'agent':
      return facts[name] ?? '-'
    default:
      return undefined
  }
}

/** Placeholders of a template that name nothing, and braces without their partner. */
export function templateFaults(template: string): string[] {
  const names = [...template.matchAll(placeholder)].map(([, name]) => name!)
  const known = (name: string) => name.startsWith('labels.') || templateFields.some((field) => field === name)
  const rest = template.replaceAll(placeholder, '')
  return [
    ...names.filter((name) => !known(name)).map((name) => `{${name}}`),
    ...(/[{}]/.test(rest) ? ['a lone brace'] : []),
  ]
}

function whereText({ site, device, metric }: MessageFacts): string {
  return [site, device, metric].filter((name) => name !== null).join('/')
}

/** What is said where a rule has no template, or one that cannot be filled in. */
export function plainMessage(facts: MessageFacts): string {
  const where = whereText(facts)
  const since = timeText(facts.start)
  if (facts.cause === 'device-silent') return `${where}: nothing heard since ${since} (${facts.rule})`
  if (facts.cause === 'agent-offline')
    return `agent ${facts.agent} of ${facts.site} is offline since ${since} (${facts.rule})`
  const limit = facts.threshold === null ? '' : `, limit ${numberText(facts.threshold)}`
  const missing = facts.cause === 'incomplete' ? 'messages missing: ' : ''
  const value = `${missing}${numberText(facts.value)} ${facts.unit}`.trimEnd()
  return `${where}: ${value}${limit} since ${since} (${facts.rule})`
}

/** Never throws: a template that cannot be filled in gives the plain message. */
export function messageOf(rule: CompiledRule, facts: MessageFacts): string {
  const template = rule.definition.message
  if (template === undefined || templateFaults(template).length > 0) return plainMessage(facts)
  const filled = template.replaceAll(placeholder, (_all, name: string) => fieldText(name, facts, rule) ?? '')
  return filled.trim() === '' ? plainMessage(facts) : filled.slice(0, longest)
}
