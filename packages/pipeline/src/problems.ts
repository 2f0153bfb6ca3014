import type { z } from 'zod'
import type { Problem } from './errors.ts'
import { knownKeysAt, nearestKey } from './known-keys.ts'

type Path = readonly PropertyKey[]
type Issue = z.core.$ZodIssue

const secretKey = /(password|secret|token|credential)s?$/i

function valueAt(value: unknown, path: Path): unknown {
  let current = value
  for (const key of path) {
    if (current === null || typeof current !== 'object' || !Object.hasOwn(current, key)) return undefined
    current = (current as Record<PropertyKey, unknown>)[key]
  }
  return current
}

export function pathText(path: Path): string {
  return (
    path
      .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
      .join('')
      .replace(/^\./, '') || '(the whole file)'
  )
}

/** What people put where it does not belong: user and password in a URL, the text of a connection string. */
function withoutSecrets(text: string): string {
  return text
    .replaceAll(/:\/\/[^\s"/]*@/g, '://(hidden)@')
    .replaceAll(/((?:Shared)?Access(?:Key|Signature)|AccountKey|sig)=[^;&"]+/gi, '$1=(hidden)')
}

function foundText(value: unknown, path: Path): string {
  if (value === undefined) return 'nothing'
  if (path.some((key) => typeof key === 'string' && secretKey.test(key))) return 'a value (hidden)'
  const text = withoutSecrets(JSON.stringify(value) ?? String(value))
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

function limitText(issue: Issue & { code: 'too_small' | 'too_big' }): string {
  const [word, limit] = issue.code === 'too_small' ? ['at least', issue.minimum] : ['at most', issue.maximum]
  const unit = issue.origin === 'string' ? ' characters' : issue.origin === 'array' ? ' items' : ''
  return `${issue.inclusive === false ? (issue.code === 'too_small' ? 'more than' : 'less than') : word} ${limit}${unit}`
}

const typeNames: Record<string, string> = {
  object: 'a group of settings',
  record: 'a group of settings',
  array: 'a list',
  string: 'a text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
}

function unionText(issue: Issue & { code: 'invalid_union' }): string {
  const options = (issue as { options?: readonly unknown[] }).options
  if (options) return options.join(', ')
  const texts = issue.errors.map((branch) => branch.map((inner) => expectedText(inner)).join(' and '))
  return [...new Set(texts)].join(', or ')
}

function expectedText(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeNames[issue.expected] ?? issue.expected
    case 'invalid_value':
      return issue.values.map(String).join(', ')
    case 'too_small':
    case 'too_big':
      return limitText(issue)
    case 'invalid_format':
      return issue.format === 'regex' ? `a text like ${issue.pattern}` : `a valid ${issue.format}`
    case 'invalid_union':
      return unionText(issue)
    case 'invalid_key':
      return issue.issues.map((inner) => expectedText(inner)).join(' and ')
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`
    default:
      return issue.message
  }
}

function unknownKeys(
  issue: Issue & { code: 'unrecognized_keys' },
  schema: z.ZodType,
  value: unknown,
): [Path, string, string][] {
  const known = knownKeysAt(schema, value, issue.path)
  return issue.keys.map((key) => {
    const nearest = nearestKey(key, known)
    const expected = nearest
      ? `the nearest known setting is ${nearest}`
      : known.length > 0
        ? known.join(', ')
        : 'no such setting'
    return [[...issue.path, key], 'an unknown setting', expected]
  })
}

/** Every issue of a failed check as a sentence for the person who wrote `value`; `where` adds a place, such as a line. */
export function describeIssues(
  issues: readonly Issue[],
  { schema, value, where }: { schema: z.ZodType; value: unknown; where?: (path: Path) => string },
): Problem[] {
  const found = issues.flatMap((issue): [Path, string, string][] =>
    issue.code === 'unrecognized_keys'
      ? unknownKeys(issue, schema, value)
      : [[issue.path, foundText(valueAt(value, issue.path), issue.path), expectedText(issue)]],
  )
  return found.map(([path, what, expected]) => ({
    path: pathText(path) + (where?.(path) ?? ''),
    found: what,
    expected,
  }))
}
