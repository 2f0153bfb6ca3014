/** A resource or module, with the value of each property under its path: `properties.routing.routes[].name`. */
export interface Declared {
  kind: 'resource' | 'module'
  symbol: string
  /** Type and version of a resource, path of a module. */
  of: string
  properties: ReadonlyMap<string, string>
}

export interface BicepFile {
  params: ReadonlyMap<string, { required: boolean }>
  vars: ReadonlyMap<string, ReadonlyMap<string, string>>
  declared: readonly Declared[]
  outputs: ReadonlyMap<string, string>
  /** Names in expressions that stand for something else: parameters, variables, symbols, functions. */
  used: ReadonlySet<string>
}

interface Level {
  /** Of what is inside. */
  path: string
  list: boolean
}

const opening = /[{[]$/
const property = /^(?:'([^']*)'|([\w$]+)):\s*(.*)$/

/** Paths of a block that is written one property a line. Throws where a line is not understood. */
function readBlock(lines: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const levels: Level[] = [{ path: '', list: false }]
  for (const line of lines) {
    const { path, list } = levels.at(-1)!
    const match = property.exec(line)
    const here = match ? `${path}${match[1] ?? match[2]}` : path
    // Both sides of a condition have one path.
    const add = (value: string) => found.set(here, found.has(here) ? `${found.get(here)} ${value}` : value)
    if (match) add(match[3]!)
    else if (list && !/^[{}\][]/.test(line)) add(line)
    else if (!/^[{}\][]/.test(line)) throw new Error(`not understood: ${line}`)
    const closes = /^[}\]]/.test(line)
    const closed = closes ? levels.pop() : undefined
    if (!opening.test(line)) continue
    if (line.endsWith('[')) levels.push({ path: match ? `${here}[]` : closed!.path, list: true })
    else levels.push({ path: match ? `${here}.` : (closed?.path ?? `${path}.`), list: false })
  }
  return found
}

/** Literal text is no code, what stands in `${}` is. */
function codeOf(text: string): string {
  return text.replace(/'((?:[^'\\]|\\.)*)'/g, (_, literal: string) =>
    [...literal.matchAll(/\$\{([^}]*)\}/g)].map(([, code]) => ` ${code} `).join(''),
  )
}

function namesIn(expression: string): string[] {
  return [...codeOf(expression).matchAll(/(?<![.\w])([A-Za-z_]\w*)/g)].map(([, name]) => name!)
}

const words = new Set(['true', 'false', 'null', 'if', 'existing'])

/** Lines of each declaration, without comments and decorators. */
function declarationsOf(text: string): string[][] {
  const lines = text.split('\n').map((line) => line.replace(/^\s*\/\/.*/, ''))
  const parts: string[][] = []
  let decorator = false
  for (const line of lines) {
    if (line.trim() === '') continue
    if (line.startsWith('@')) decorator = line.endsWith('[')
    else if (decorator) decorator = !line.startsWith('])')
    else if (/^\w/.test(line)) parts.push([line.trim()])
    else parts.at(-1)!.push(line.trim())
  }
  return parts
}

const head = /^(targetScope|param|var|resource|module|output)\b\s*(\w*)\s*(.*)$/

/** Reads the part of Bicep that these templates are written in. It is no compiler: types are not looked at. */
export function readBicep(text: string): BicepFile {
  const params = new Map<string, { required: boolean }>()
  const vars = new Map<string, ReadonlyMap<string, string>>()
  const declared: Declared[] = []
  const outputs = new Map<string, string>()
  const used = new Set<string>()
  for (const [first, ...rest] of declarationsOf(text)) {
    const match = head.exec(first!)
    if (!match) throw new Error(`not understood: ${first}`)
    const [, keyword, symbol, after] = match as unknown as [string, string, string, string]
    const block = opening.test(first!) ? readBlock(rest.slice(0, -1)) : new Map<string, string>()
    if (keyword === 'param') params.set(symbol, { required: !after.includes('=') })
    if (keyword === 'var') vars.set(symbol, block)
    if (keyword === 'output') outputs.set(symbol, after)
    if (keyword === 'resource' || keyword === 'module') {
      declared.push({ kind: keyword, symbol, of: /'([^']*)'/.exec(after)![1]!, properties: block })
    }
    const expression = keyword !== 'targetScope' && after.includes('=') ? after.replace(/^[^=]*=/, '') : ''
    const keys = [...block.keys()].map((path) => `'${path}'`)
    for (const name of [expression, ...block.values(), ...keys].flatMap(namesIn)) if (!words.has(name)) used.add(name)
  }
  return { params, vars, declared, outputs, used }
}
