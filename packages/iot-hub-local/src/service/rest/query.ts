import { HubError } from '../../hub-error.ts'

type Row = Record<string, unknown>
type Condition = (row: Row) => boolean

export interface Query {
  /** Undefined for `*`. */
  fields: readonly string[] | undefined
  matches(row: Row): boolean
}

const shape = /^\s*select\s+(.+?)\s+from\s+devices\s*(?:\swhere\s+(.+?))?\s*;?\s*$/is
const path = String.raw`[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*`
const literal = String.raw`'[^']*'|"[^"]*"|-?\d+(?:\.\d+)?|true|false|null`
const comparison = new RegExp(String.raw`\s*(${path})\s*(=|!=|<>|<=|>=|<|>)\s*(${literal})\s*`, 'iy')
const definition = new RegExp(String.raw`\s*(not\s+)?is_defined\s*\(\s*(${path})\s*\)\s*`, 'iy')
const and = /and(?=\s)/iy
const fieldList = new RegExp(String.raw`^${path}(?:\s*,\s*${path})*$`, 'i')

const help = 'the local hub understands SELECT * (or names) FROM devices [WHERE path = value AND IS_DEFINED(path) ...]'

function refused(): HubError {
  return new HubError('ArgumentInvalid', help)
}

function valueAt(row: Row, at: string): unknown {
  let value: unknown = row
  for (const key of at.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Row)[key]
  }
  return value
}

function literalValue(text: string): unknown {
  return /^['"]/.test(text) ? text.slice(1, -1) : JSON.parse(text.toLowerCase())
}

const order: Record<string, (a: string | number, b: string | number) => boolean> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
}

function compares(left: unknown, operator: string, right: unknown): boolean {
  if (operator === '=') return left === right
  if (operator === '!=' || operator === '<>') return left !== undefined && left !== right
  const ordered = ['string', 'number'].includes(typeof left) && typeof left === typeof right
  return ordered && order[operator]!(left as number, right as number)
}

/** One condition at the start of a text, with what is left of it. */
function conditionAt(text: string): { condition: Condition; rest: string } {
  comparison.lastIndex = definition.lastIndex = 0
  const defined = definition.exec(text)
  if (defined) {
    const [all, not, at] = defined
    return { condition: (row) => (valueAt(row, at!) !== undefined) !== Boolean(not), rest: text.slice(all.length) }
  }
  const compared = comparison.exec(text)
  if (!compared) throw refused()
  const [all, at, operator, right] = compared
  const value = literalValue(right!)
  return { condition: (row) => compares(valueAt(row, at!), operator!, value), rest: text.slice(all.length) }
}

function conditionsOf(text: string | undefined): Condition[] {
  const conditions: Condition[] = []
  let rest = text?.trim() ?? ''
  while (rest !== '') {
    const { condition, rest: after } = conditionAt(rest)
    conditions.push(condition)
    and.lastIndex = 0
    if (after !== '' && !and.test(after)) throw refused()
    rest = after.slice(and.lastIndex)
    if (after !== '' && rest.trim() === '') throw refused()
  }
  return conditions
}

/** The part of the hub's query language that is understood here: HubError for everything else. */
export function parseQuery(text: string): Query {
  const match = shape.exec(text)
  const [, fields, where] = match ?? []
  if (!fields || (fields !== '*' && !fieldList.test(fields))) throw refused()
  const conditions = conditionsOf(where)
  return {
    fields: fields === '*' ? undefined : fields.split(/\s*,\s*/),
    matches: (row) => conditions.every((condition) => condition(row)),
  }
}

/** A row as the query wants it: names of nested values are the last word of their path. */
export function project({ fields }: Query, row: Row): Row {
  if (!fields) return row
  const named = fields.map((at) => [at.split('.').at(-1)!, valueAt(row, at)] as const)
  return Object.fromEntries(named.filter(([, value]) => value !== undefined))
}
