import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { demandReadable, reasonOf, treeOf, UsageError } from '@millrace/pipeline'
import type { RuleFile } from '@millrace/rules'
import { type Document, isNode, LineCounter, parseDocument } from 'yaml'

/** The YAML files of a folder of rules. */
export interface RuleFolder {
  folder: string
  files: RuleFile[]
  /** ` (line 12)` for a path such as `cold.yaml: rules[0].above`; empty where it is not known. */
  where(path: string): string
  /** `cold.yaml: rules[0].above` for `rule cold-warm: above`; other paths stay as they are. */
  placeOf(path: string): string
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

function textOf(file: string): string {
  demandReadable(statSync(file))
  return readFileSync(file, 'utf8')
}

function fileOf(name: string, { document }: Parsed): RuleFile {
  const [error] = document.errors
  if (!error) return { name, content: treeOf(document) }
  const at = error.linePos?.[0]
  const place = at ? `line ${at.line}, column ${at.col}: ` : ''
  return { name, content: undefined, problem: `${place}${error.message.split('\n')[0]!}` }
}

/** Reads every file of a folder of rules. Throws a UsageError where there is no such folder. */
export function readRuleFolder(folder: string): RuleFolder {
  const parsed = new Map<string, Parsed>()
  const files = filesIn(folder).map((name): RuleFile => {
    try {
      const lines = new LineCounter()
      const text = textOf(join(folder, name))
      const each = { document: parseDocument(text, { version: '1.2', lineCounter: lines }), lines }
      parsed.set(name, each)
      return fileOf(name, each)
    } catch (error) {
      return { name, content: undefined, problem: `it cannot be read (${reasonOf(error)})` }
    }
  })
  return { folder, files, where: (path) => lineText(parsed, path), placeOf: (path) => placeOf(files, path) }
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

/** The list `rules` of a file, whatever else the file may be. */
function rulesIn({ content }: RuleFile): readonly unknown[] {
  const { rules } = (typeof content === 'object' && content !== null ? content : {}) as { rules?: unknown }
  return Array.isArray(rules) ? rules : []
}

function placeOf(files: readonly RuleFile[], path: string): string {
  const [, id, setting] = /^rule (\S+): (.+)$/.exec(path) ?? []
  if (id === undefined) return path
  for (const file of files) {
    const { name } = file
    const at = rulesIn(file).findIndex((rule) => (rule as { id?: unknown } | null)?.id === id)
    if (at >= 0) return `${name}: rules[${at}].${setting}`
  }
  return path
}
