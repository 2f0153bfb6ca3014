import { type AlertCause, compileGlob, drillSite } from '@millrace/contracts'
import { z } from 'zod'
import type { CompiledRule, RuleSubject } from '../types.ts'
import { type Bounds, boundsOf } from './bounds.ts'
import { durationText } from './duration.ts'
import { globMatcher } from './glob.ts'
import { hashOf } from './hash.ts'
import { describeIssues, foundText, insteadOf, type Place, pathText, type RuleProblem } from './problems.ts'
import {
  type DeviceLabels,
  deviceLabelsSchema,
  type RuleDefinition,
  type RuleKind,
  ruleKinds,
  ruleSchemas,
} from './schema.ts'

/** A file of the folder of rules: `content` is what its YAML says, `problem` why it could not be read. */
export interface RuleFile {
  name: string
  content: unknown
  problem?: string
}

export interface RuleSet {
  /** Every rule without a problem, in order of file name, then place. A set with problems is not for use. */
  rules: CompiledRule[]
  problems: RuleProblem[]
  /** What is allowed and still most likely not meant. */
  warnings: RuleProblem[]
}

interface Found {
  file: string
  path: PropertyKey[]
  definition: RuleDefinition
}

const fileKeys = ['rules', 'labels']

class Reading {
  readonly problems: RuleProblem[] = []
  readonly found: Found[] = []
  readonly labels: DeviceLabels[] = []

  read({ name, content, problem }: RuleFile): void {
    if (problem !== undefined) this.say(pathText(name, []), problem, 'a file of rules in YAML 1.2')
    else if (content === null || content === undefined) return
    else if (typeof content !== 'object' || Array.isArray(content)) {
      this.say(pathText(name, []), foundText(content), 'rules: [...]')
    } else this.sections(name, content as Record<string, unknown>)
  }

  private sections(file: string, content: Record<string, unknown>): void {
    for (const [key, value] of Object.entries(content)) {
      if (!fileKeys.includes(key)) this.say(pathText(file, [key]), 'an unknown setting', insteadOf(key, fileKeys))
      else if (Array.isArray(value)) this.entries(file, key, value)
      else if (value !== null) this.say(pathText(file, [key]), foundText(value), 'a list')
    }
  }

  private entries(file: string, key: string, list: readonly unknown[]): void {
    for (const [at, value] of list.entries()) this.entry({ file, path: [key, at], value })
  }

  private entry(place: Place): void {
    if (place.path[0] === 'rules') this.rule(place)
    else {
      const labels = this.check(place, deviceLabelsSchema)
      if (labels) this.labels.push(labels)
    }
  }

  private rule(place: Place): void {
    const { file, path, value } = place
    const kind: unknown = value !== null && typeof value === 'object' ? (value as { kind?: unknown }).kind : undefined
    if (typeof kind !== 'string' || !Object.hasOwn(ruleSchemas, kind)) {
      const expected = typeof kind === 'string' ? insteadOf(kind, ruleKinds) : ruleKinds.join(', ')
      this.say(pathText(file, [...path, 'kind']), foundText(kind), expected)
      return
    }
    const definition = this.check<RuleDefinition>(place, ruleSchemas[kind as RuleKind])
    if (definition) this.found.push({ file, path: [...path], definition })
  }

  private check<Output>(place: Place, schema: z.ZodType<Output>): Output | undefined {
    const result = schema.safeParse(place.value)
    if (result.success) return result.data
    this.problems.push(...describeIssues(result.error.issues, place, (path) => keysAt(schema, path)))
    return undefined
  }

  say(path: string, found: string, expected: string): void {
    this.problems.push({ path, found, expected })
  }
}

function unwrap(schema: unknown): unknown {
  const wrapped = schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional || schema instanceof z.ZodDefault
  return wrapped ? unwrap(schema.def.innerType) : schema
}

function step(schema: unknown, key: PropertyKey): unknown {
  if (schema instanceof z.ZodArray) return schema.element
  return schema instanceof z.ZodObject ? schema.shape[String(key)] : undefined
}

function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  const at = path.reduce((inside: unknown, key) => unwrap(step(inside, key)), unwrap(schema))
  return at instanceof z.ZodObject ? Object.keys(at.shape) : []
}

const causes: Record<RuleKind, AlertCause> = {
  threshold: 'value',
  rate: 'value',
  increase: 'value',
  group: 'value',
  deviation: 'value',
  silence: 'device-silent',
  incomplete: 'incomplete',
}

type Labeller = (site: string, device: string) => Record<string, string>

function labeller(entries: readonly DeviceLabels[]): Labeller {
  const matchers = entries.map(({ site, device, labels }) => ({
    ...{ site: globMatcher(site), device: globMatcher(device), labels },
  }))
  const known = new Map<string, Record<string, string>>()
  return (site, device) => {
    const key = `${site}/${device}`
    let labels = known.get(key)
    if (labels === undefined) {
      const own = matchers.filter((each) => each.site(site) && each.device(device))
      labels = Object.assign({}, ...own.map((each) => each.labels)) as Record<string, string>
      known.set(key, labels)
    }
    return labels
  }
}

function selector(definition: RuleDefinition, labelsOf: Labeller): (subject: RuleSubject) => boolean {
  const select: { site?: string[] | undefined; device?: string[] | undefined; labels: Record<string, string> } =
    definition.select
  const [site, device] = [globMatcher(select.site), globMatcher(select.device)]
  const metric = globMatcher('metric' in definition.select ? definition.select.metric : undefined)
  const agent = globMatcher('agent' in definition.select ? definition.select.agent : undefined)
  const labels = Object.entries(select.labels).map(([name, glob]) => ({ name, matches: compileGlob(glob) }))
  const hasLabels = ({ site, device }: RuleSubject) => {
    const own = device === undefined ? {} : labelsOf(site, device)
    return labels.every(({ name, matches }) => matches(Object.hasOwn(own, name) ? own[name]! : ''))
  }
  const fits = (test: (text: string) => boolean, name: string | undefined) => name === undefined || test(name)
  const watchesDrills = select.site?.includes(drillSite) ?? false
  return (subject) =>
    site(subject.site) &&
    (watchesDrills || subject.site !== drillSite) &&
    fits(agent, subject.agent) &&
    fits(metric, subject.metric) &&
    fits(device, subject.device) &&
    (labels.length === 0 || subject.device === undefined || hasLabels(subject))
}

function compile(definition: RuleDefinition, bounds: Bounds, labels: readonly DeviceLabels[]): CompiledRule {
  const labelsOf = labeller(labels)
  // What it is tried on changes nothing of what it says.
  const { evidence: _, ...judged } = definition
  const agentSilence = definition.kind === 'silence' && definition.of === 'agent'
  const byLabels = Object.keys(definition.select.labels).length > 0
  return {
    ...{ id: definition.id, at: definition.at, kind: definition.kind, severity: definition.severity },
    cause: agentSilence ? 'agent-offline' : causes[definition.kind],
    version: hashOf(byLabels ? { definition: judged, labels } : judged),
    ...{ definition, bounds, labelsOf, selects: selector(definition, labelsOf) },
  }
}

function shorterThanWindow(found: readonly Found[], windowMs: number): RuleProblem[] {
  return found
    .filter(({ definition }) => !('on' in definition && definition.on === 'reading'))
    .filter(({ definition }) => definition.for !== undefined && definition.for < windowMs)
    .map(({ file, path, definition }) => ({
      path: pathText(file, [...path, 'for']),
      found: durationText(definition.for!),
      expected: `at least one window, ${durationText(windowMs)}: one bad window fulfils it`,
    }))
}

/**
 * Makes rules of files. Any problem, of any file, is in `problems`, so that a folder can be refused as a whole;
 * `checkRules` says which rules can never fire.
 */
export function compileRules(files: readonly RuleFile[], { windowMs }: { windowMs?: number } = {}): RuleSet {
  const reading = new Reading()
  for (const file of files.toSorted((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)))) reading.read(file)
  const places = new Map<string, string>()
  const rules = reading.found.flatMap(({ file, path, definition }) => {
    const place = pathText(file, [...path, 'id'])
    const other = places.get(definition.id)
    if (other) reading.say(place, foundText(definition.id), `an id of its own: this one is at ${other}`)
    places.set(definition.id, other ?? place)
    const bounds = boundsOf(definition)
    if (!('key' in bounds)) return [compile(definition, bounds, reading.labels)]
    const value = (definition as unknown as Record<string, unknown>)[bounds.key]
    reading.say(pathText(file, [...path, bounds.key]), foundText(value), bounds.expected)
    return []
  })
  const warnings = windowMs === undefined ? [] : shorterThanWindow(reading.found, windowMs)
  return { rules, problems: reading.problems, warnings }
}

/** Names a set of rules: the same for the same rules in any order. */
export function rulesVersion(rules: readonly CompiledRule[]): string {
  return hashOf(rules.map(({ id, version }) => `${id}@${version}`).sort())
}
