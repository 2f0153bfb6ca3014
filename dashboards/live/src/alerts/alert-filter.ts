import { type ApiAlert, type Severity, severities } from '@millrace/contracts'
import type { Route } from '../model/route.ts'
import { subjectOf } from './alert-words.ts'

/** What is to be seen; an empty text stands for everything. */
export interface AlertFilter {
  severity: Severity | ''
  site: string
  rule: string
  text: string
}

const isSeverity = (text: string): text is Severity => (severities as readonly string[]).includes(text)

export function readFilter({ query }: Route): AlertFilter {
  const { severity = '', site = '', rule = '', q = '' } = query
  return { severity: isSeverity(severity) ? severity : '', site, rule, text: q }
}

/** As the query of an address; what is empty is left out. */
export function writeFilter({ severity, site, rule, text }: AlertFilter): Route['query'] {
  return Object.fromEntries(Object.entries({ severity, site, rule, q: text }).filter(([, value]) => value !== ''))
}

export const isEmpty = (filter: AlertFilter) => Object.keys(writeFilter(filter)).length === 0

function textOf(alert: ApiAlert): string {
  const labels = Object.entries(alert.labels).map(([name, value]) => `${name}=${value}`)
  return [alert.rule, alert.message, subjectOf(alert), alert.cause, ...labels].join(' ').toLowerCase()
}

/** Every word of the text must be somewhere in what the alert says. */
export function matcherOf({ severity, site, rule, text }: AlertFilter): (alert: ApiAlert) => boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  return (alert) => {
    const named = (!severity || alert.severity === severity) && (!site || alert.site === site)
    if (!named || (rule && alert.rule !== rule)) return false
    const said = words.length === 0 ? '' : textOf(alert)
    return words.every((word) => said.includes(word))
  }
}
