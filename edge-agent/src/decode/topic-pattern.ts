/** What the named parts of a topic stood for. */
export type Captures = Readonly<Record<string, string>>

const capture = /\{([a-z][a-zA-Z0-9]*)(\.\.\.)?\}/g
const literal = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

function levelProblem(level: string, isLast: boolean): string | undefined {
  if (level === '#') return isLast ? undefined : '# only as the last level'
  if (level === '+') return undefined
  const captures = [...level.matchAll(capture)]
  const rest = level.replaceAll(capture, '')
  if (/[{}+#]/.test(rest)) return 'levels of plain text, +, #, {name}, or {name...} for several levels'
  if (captures.length > 1) return 'at most one {name} in a level'
  return captures[0]?.[2] && rest !== '' ? '{name...} alone in its level' : undefined
}

/** Why a text is no pattern of topics that devices may use, said as what is allowed; undefined where it is one. */
export function patternProblem(text: string): string | undefined {
  const levels = text.split('/')
  if (text === '' || text.length > 256) return 'a topic pattern of 1 to 256 characters'
  if (levels[0] === 'telemetry' || levels[0] === 'millrace')
    return 'any first level but telemetry and millrace, which are taken'
  if (text.startsWith('$')) return 'a topic that does not begin with $'
  const names = [...text.matchAll(capture)].map(([, name]) => name)
  if (new Set(names).size < names.length) return 'each {name} once'
  if (levels.filter((level) => level === '#' || level.includes('...}')).length > 1) return 'one {name...} or # at most'
  return levels
    .map((level, at) => levelProblem(level, at === levels.length - 1))
    .find((problem) => problem !== undefined)
}

function levelExpression(level: string): string {
  if (level === '+') return '[^/]*'
  if (level === '#') return '.*'
  const [found] = level.matchAll(capture)
  if (!found) return literal(level)
  const before = literal(level.slice(0, found.index))
  const after = literal(level.slice(found.index + found[0].length))
  return `${before}(${found[2] ? '.+' : '[^/]+'})${after}`
}

/** Topics with captures: `tele/{device}/SENSOR`, `zigbee2mqtt/{device...}`. */
export class TopicPattern {
  readonly text: string
  /** The MQTT filter that covers it. */
  readonly filter: string
  readonly names: readonly string[]
  readonly #expression: RegExp

  /** `text` is one without a `patternProblem`. */
  constructor(text: string) {
    const levels = text.split('/')
    const open = levels.findIndex((level) => level === '#' || level.includes('...}'))
    const fixed = open < 0 ? levels : levels.slice(0, open)
    this.text = text
    this.filter = [...fixed.map((level) => (level.includes('{') ? '+' : level)), ...(open < 0 ? [] : ['#'])].join('/')
    this.names = [...text.matchAll(capture)].map(([, name]) => name!)
    // An MQTT filter's `/#` covers its parent level too.
    const body = levels.map(levelExpression).join('/')
    this.#expression = new RegExp(`^${text.endsWith('/#') ? `${body.slice(0, -3)}(?:/.*)?` : body}$`, 's')
  }

  match(topic: string): Captures | undefined {
    // Wildcards of MQTT leave a broker's own topics out.
    if (topic.startsWith('$')) return undefined
    const found = this.#expression.exec(topic)
    if (!found) return undefined
    return Object.fromEntries(this.names.map((name, at) => [name, found[at + 1]!]))
  }
}

/** A text with `{name}` replaced by what was captured; a name nobody captured stays. */
export function render(template: string, captures: Captures): string {
  return template.replace(/\{([a-zA-Z0-9]+)\}/g, (whole, name: string) => captures[name] ?? whole)
}
