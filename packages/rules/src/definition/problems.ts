import type { z } from 'zod'

/** One thing wrong in a file of rules, in the words of the other config files. */
export interface RuleProblem {
  /** File and dotted path in it: `cold.yaml: rules[0].above`. */
  path: string
  found: string
  /** What is allowed there. */
  expected: string
}

type Path = readonly PropertyKey[]
type Issue = z.core.$ZodIssue

export function pathText(file: string, path: Path): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('')
  return `${file}: ${text.replace(/^\./, '') || '(the whole file)'}`
}

/** An alias of YAML can make a value contain itself. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return 'what contains itself'
  }
}

export function foundText(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = jsonOf(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

function valueAt(value: unknown, path: Path): unknown {
  let current = value
  for (const key of path) {
    if (current === null || typeof current !== 'object' || !Object.hasOwn(current, key)) return undefined
    current = (current as Record<PropertyKey, unknown>)[key]
  }
  return current
}

const typeNames: Record<string, string> = {
  object: 'a group of settings',
  record: 'a group of settings',
  array: 'a list',
  tuple: 'a list of two',
  string: 'a text',
  int: 'a whole number',
  number: 'a number',
}

function limitText(issue: Issue & { code: 'too_small' | 'too_big' }): string {
  const small = issue.code === 'too_small'
  const limit = small ? issue.minimum : issue.maximum
  const unit = issue.origin === 'string' ? ' characters' : issue.origin === 'array' ? ' items' : ''
  if (issue.inclusive === false) return `${small ? 'more than' : 'less than'} ${limit}${unit}`
  return `${small ? 'at least' : 'at most'} ${limit}${unit}`
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
    case 'invalid_union':
      return [...new Set(issue.errors.map((branch) => branch.map(expectedText).join(' and ')))].join(', or ')
    case 'invalid_key':
      return issue.issues.map(expectedText).join(' and ')
    default:
      return issue.message
  }
}

function distance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const swap = from[i - 1] === to[j - 1] ? 0 : 1
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + swap))
    }
    previous = row
  }
  return previous[to.length]!
}

/** The known word that another is most likely meant to be, if any is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_]/g, '')
  const ranked = known.map((name) => ({ name, far: distance(plain(word), plain(name)) }))
  ranked.sort((a, b) => a.far - b.far)
  const [best] = ranked
  return best && best.far <= Math.max(2, Math.floor(best.name.length / 3)) ? best.name : undefined
}

/** What is allowed instead of a word that is not known: the nearest one, else all. */
export function insteadOf(word: string, known: readonly string[]): string {
  const near = nearest(word, known)
  return near === undefined ? known.join(', ') : `the nearest known one is ${near}`
}

export interface Place {
  file: string
  path: Path
  value: unknown
}

/** Every issue of a failed check, as sentences for the person who wrote the file; `keysAt` are the settings known at a path. */
export function describeIssues(
  issues: readonly Issue[],
  place: Place,
  keysAt: (path: Path) => string[],
): RuleProblem[] {
  return issues.flatMap((issue): RuleProblem[] => {
    const path = [...place.path, ...issue.path]
    if (issue.code !== 'unrecognized_keys') {
      const found = foundText(valueAt(place.value, issue.path))
      return [{ path: pathText(place.file, path), found, expected: expectedText(issue) }]
    }
    const known = keysAt(issue.path)
    return issue.keys.map((key) => ({
      path: pathText(place.file, [...path, key]),
      found: 'an unknown setting',
      expected: insteadOf(key, known),
    }))
  })
}
