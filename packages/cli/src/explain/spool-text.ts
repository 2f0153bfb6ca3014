import type { InspectedSpool } from '@millrace/contracts'
import { printable } from './words.ts'

const head = new Set(['kind', 'file', 'bytes', 'logBytes', 'running', 'application', 'name', 'version', 'tables'])
const skipped = new Set(['problem', 'unreadable'])
/** They name a thing; grouping digits would change the name. */
const ordinals = /^(seq|firstSeq|lastSeq|newest|first|last|cursor|logHead|version)$/

const isRow = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value)

const words = (name: string) => name.replace(/Ms$/, '').replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)

const rangeText = (value: unknown) => (Array.isArray(value) ? [...new Set(value)].join('..') : plainText('', value))

/** Moments are epoch ms, end in `Ms` and are shown as UTC. */
function numberText(name: string, value: number): string {
  if (name.endsWith('Ms'))
    return new Date(value)
      .toISOString()
      .replace('T', ' ')
      .replace(/(\.000)?Z$/, '')
  return ordinals.test(name) ? String(value) : value.toLocaleString('en-GB')
}

function plainText(name: string, value: unknown): string {
  if (value === null || value === undefined) return '-'
  if (typeof value === 'number') return numberText(name, value)
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(rangeText).join(', ')
  return printable(isRow(value) ? fieldsText(value) : String(value))
}

function fieldsText(row: object): string {
  return Object.entries(row)
    .map(([name, value]) => `${words(name)} ${plainText(name, value)}`)
    .join(', ')
}

/** Rows below the names of their fields; numbers end where others end. */
function tableLines(rows: readonly object[]): string[] {
  const names = Object.keys(rows[0] ?? {})
  const values = rows.map((row) => names.map((name) => row[name as keyof typeof row] as unknown))
  const cells = [names.map(words), ...values.map((row) => row.map((value, at) => plainText(names[at]!, value)))]
  const widths = names.map((_, at) => Math.max(...cells.map((row) => row[at]!.length)))
  const right = names.map((name, at) => !name.endsWith('Ms') && values.every((row) => typeof row[at] === 'number'))
  const cell = (text: string, at: number) => (right[at] ? text.padStart(widths[at]!) : text.padEnd(widths[at]!))
  return cells.map((row) => `  ${row.map(cell).join('  ')}`.trimEnd())
}

function sectionLines([name, value]: [string, unknown]): string[] {
  if (!Array.isArray(value) || value.length === 0)
    return [`${words(name)}: ${isRow(value) && Object.keys(value).length === 0 ? 'none' : plainText(name, value)}`]
  return [`${words(name)}:`, ...tableLines(value as object[])]
}

/** For people: what the file is, what is wrong with it, then section by section. */
export function inspectedText(spool: InspectedSpool): string {
  const { file, application, name, version, bytes, logBytes, running, problem, unreadable } = spool
  const use = running ? 'open in a running service' : 'not in use'
  const sections = Object.entries(spool).filter(([key]) => !head.has(key) && !skipped.has(key))
  const size = `${bytes.toLocaleString('en-GB')} bytes and ${logBytes.toLocaleString('en-GB')} of log`
  return [
    file,
    `${application ?? 'unknown application'}, spool ${name ?? '-'}, version ${version ?? '-'}, ${size}, ${use}`,
    ...(problem === null ? [] : [`PROBLEM: ${printable(problem)}`]),
    ...Object.entries(unreadable).map(([table, why]) => `cannot be read: ${table}: ${printable(why)}`),
    ...sections.flatMap(sectionLines),
  ].join('\n')
}
