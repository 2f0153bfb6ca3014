import { maxAbsoluteValue, maxMetricsPerObject } from '@millrace/contracts'
import type { Trace } from '../decoder.ts'
import { applies, type Rule } from './member-rules.ts'
import { type Member, pointerOf, visitMembers } from './members.ts'
import type { Route } from './route.ts'
import { numberOf } from './word-value.ts'

/** A member that some rule takes for a reading. */
export interface Candidate {
  pointer: string
  rule: Rule
  /** Scaled; NaN where it is no number that a reading can have. */
  value: number
}

export interface Collected {
  /** As many as a message may have. */
  candidates: readonly Candidate[]
  /** How many there were. */
  count: number
}

/** Rules are looked up for so many members of a message: it may hold far more than any device has to say. */
const maxMembers = 4_096

/** Every member of a document that is a reading by the rules of its route. */
export function collect(document: unknown, route: Route, trace: Trace | undefined): Collected {
  const candidates: Candidate[] = []
  let count = 0
  let looked = 0
  visitMembers(document, (member) => {
    // Nothing of the message will be taken, so the rest is counted as it is.
    if (count > maxMetricsPerObject || ++looked > maxMembers) return ++count > 0
    const found = candidateOf(member, { document, route })
    if (typeof found === 'string') trace?.left(pointerOf(member.path) || 'the payload', found)
    else if (++count <= maxMetricsPerObject) candidates.push(found)
    return true
  })
  return { candidates, count }
}

/** Rounded to 12 digits, which hides what binary fractions add: 1.1 times 1000 is 1100. */
function scaled(value: number, { scale, offset }: Rule['entry']): number {
  return scale === 1 && offset === 0 ? value : Number((value * scale + offset).toPrecision(12))
}

/** The reading, or why the member is none. */
function candidateOf(member: Member, { document, route }: { document: unknown; route: Route }): Candidate | string {
  const rules = route.rulesOf(member)
  if (rules === 'skipped') return 'skipped by the mapping'
  if (rules === 'time') return 'the time'
  const rule = rules.find(({ entry }) => applies(entry, document))
  if (!rule) return 'the mapping does not name it'
  const number = numberOf(member.value, rule)
  if (number === 'none') return 'says that there is no value'
  if (number === 'text' && rule.ignoresText) return 'text'
  const value = number === 'text' ? Number.NaN : scaled(number, rule.entry)
  return { pointer: pointerOf(member.path), rule, value: Math.abs(value) <= maxAbsoluteValue ? value : Number.NaN }
}
