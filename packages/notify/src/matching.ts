import { type Alert, compileGlob, type Glob, type Silence, severities } from '@millrace/contracts'
import type { MatchSettings } from './settings.ts'

export type AlertMatch = (alert: Alert) => boolean

type Names = string | readonly string[] | undefined

function anyOf(patterns: Names): Glob {
  if (patterns === undefined) return () => true
  const globs = [patterns].flat().map((pattern) => compileGlob(pattern))
  return (text) => globs.some((glob) => glob(text))
}

function labelsMatch(labels: Readonly<Record<string, string>> = {}): (found: Alert['labels']) => boolean {
  const wanted = Object.entries(labels).map(([name, pattern]) => [name, compileGlob(pattern)] as const)
  return (found) => wanted.every(([name, glob]) => Object.hasOwn(found, name) && glob(found[name]!))
}

/** A device or metric that the alert does not name is matched as `-`, as in its id. */
export function compileMatch({ severity, rule, site, device, metric, labels }: MatchSettings): AlertMatch {
  const leastRank = severity === undefined ? 0 : severities.indexOf(severity)
  const [rules, sites, devices, metrics] = [anyOf(rule), anyOf(site), anyOf(device), anyOf(metric)]
  const labelled = labelsMatch(labels)
  return (alert) =>
    severities.indexOf(alert.severity) >= leastRank &&
    rules(alert.rule) &&
    sites(alert.site) &&
    devices(alert.device ?? '-') &&
    metrics(alert.metric ?? '-') &&
    labelled(alert.labels)
}

/** Silences with their globs compiled, by id. */
export class Silences {
  readonly #byId = new Map<string, { silence: Silence; matches: AlertMatch }>()

  set(silence: Silence): void {
    const { rule, site, device, metric, labels } = silence.match
    const given = Object.entries({ rule, site, device, metric, labels }).filter(([, value]) => value !== undefined)
    this.#byId.set(silence.id, { silence, matches: compileMatch(Object.fromEntries(given) as MatchSettings) })
  }

  delete(id: string): void {
    this.#byId.delete(id)
  }

  has(id: string): boolean {
    return this.#byId.has(id)
  }

  list(): Silence[] {
    return [...this.#byId.values()].map(({ silence }) => silence)
  }

  /** One that holds the alert's notices back at `nowMs`: that which ends last. */
  of(alert: Alert, nowMs: number): Silence | undefined {
    let found: Silence | undefined
    for (const { silence, matches } of this.#byId.values()) {
      if (silence.fromMs > nowMs || silence.untilMs <= nowMs || !matches(alert)) continue
      if (!found || silence.untilMs > found.untilMs) found = silence
    }
    return found
  }
}
