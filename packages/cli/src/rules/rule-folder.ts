import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Problem, UsageError } from '@millrace/pipeline'
import { type Document, isNode, LineCounter, parseDocument } from 'yaml'

export interface RuleFile {
  /** Name within its folder. */
  name: string
  content: unknown
}

/** The YAML files of a folder and what is wrong with them as files. */
export interface RuleFolder {
  folder: string
  files: RuleFile[]
  problems: Problem[]
  /** ` (line 12)` for a path such as `cold.yaml: rules[0].above`; empty where it is not known. */
  where(path: string): string
}

interface Parsed {
  document: Document
  lines: LineCounter
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /\.ya?ml$/.test(name))
      .sort()
  } catch {
    throw new UsageError('there are no rules', [
      { path: 'FOLDER', found: folder, expected: 'a folder with rules in *.yaml' },
    ])
  }
}

function syntaxProblems(name: string, { document }: Parsed): Problem[] {
  return document.errors.map((error) => {
    const at = error.linePos?.[0]
    return {
      path: at ? `${name}: line ${at.line}, column ${at.col}` : name,
      found: error.message.split('\n')[0]!,
      expected: 'YAML 1.2',
    }
  })
}

/** Reads every file of a folder of rules. Throws a UsageError where there is no such folder. */
export function readRuleFolder(folder: string): RuleFolder {
  const parsed = new Map<string, Parsed>()
  const problems: Problem[] = []
  for (const name of filesIn(folder)) {
    const lines = new LineCounter()
    const document = parseDocument(readFileSync(join(folder, name), 'utf8'), { version: '1.2', lineCounter: lines })
    problems.push(...syntaxProblems(name, { document, lines }))
    if (document.errors.length === 0) parsed.set(name, { document, lines })
  }
  const files = [...parsed].map(([name, { document }]) => ({ name, content: (document.toJS() as unknown) ?? {} }))
  return { folder, files, problems, where: (path) => lineText(parsed, path) }
}

/** `rules[0].select.site` as keys. */
function keysOf(path: string): (string | number)[] {
  return [...path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, key]) =>
    index === undefined ? key! : Number(index),
  )
}

function lineText(parsed: ReadonlyMap<string, Parsed>, path: string): string {
  const [name = '', inside = ''] = path.split(': ')
  const file = parsed.get(name)
  if (!file) return ''
  const keys = keysOf(inside)
  for (let length = keys.length; length > 0; length--) {
    const node = file.document.getIn(keys.slice(0, length), true)
    if (isNode(node) && node.range) return ` (line ${file.lines.linePos(node.range[0]).line})`
  }
  return ''
}
