import { readFile } from 'node:fs/promises'
import { type Document, isNode, LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'
import { UsageError } from './errors.ts'
import { describeIssues } from './problems.ts'

type Path = readonly PropertyKey[]

function lineOf(document: Document, lines: LineCounter, path: Path): string {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return ` (line ${lines.linePos(node.range[0]).line})`
  }
  return ''
}

function syntaxError(document: Document, file: string): UsageError {
  const problems = document.errors.map((error) => {
    const at = error.linePos?.[0]
    return {
      path: at ? `line ${at.line}, column ${at.col}` : file,
      found: error.message.split('\n')[0]!,
      expected: 'YAML 1.2',
    }
  })
  return new UsageError(`${file} is not valid YAML`, problems, { code: 'config-syntax' })
}

/** Checks settings that are already a value; `name` says in the message where they come from. */
export function checkConfig<Schema extends z.ZodType>(value: unknown, schema: Schema, name: string): z.output<Schema> {
  return check({ value, schema, name })
}

function check<Schema extends z.ZodType>(input: {
  value: unknown
  schema: Schema
  name: string
  where?: (path: Path) => string
}): z.output<Schema> {
  const { value, schema, name, ...place } = input
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const problems = describeIssues(result.error.issues, { schema, value, ...place })
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`
  throw new UsageError(`${name} has ${count}`, problems, { code: 'config-invalid' })
}

/** Checks the text of a config file; throws a UsageError with every problem in it. */
export function parseConfig<Schema extends z.ZodType>(text: string, schema: Schema, name: string): z.output<Schema> {
  const lines = new LineCounter()
  const document = parseDocument(text, { version: '1.2', lineCounter: lines })
  if (document.errors.length > 0) throw syntaxError(document, name)
  const value: unknown = document.toJS() ?? {}
  return check({ value, schema, name, where: (path) => lineOf(document, lines, path) })
}

/** Reads and checks a YAML 1.2 file; throws a UsageError with every problem in it. */
export async function loadConfig<Schema extends z.ZodType>(file: string, schema: Schema): Promise<z.output<Schema>> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(`cannot read the config file ${file} (${cause.code})`, [], {
      code: 'config-unreadable',
      cause,
    })
  })
  return parseConfig(text, schema, file)
}
