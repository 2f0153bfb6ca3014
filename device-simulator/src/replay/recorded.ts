import { endTimeMs, isName, maxAbsoluteValue, minTimeMs } from '@millrace/contracts'
import type { Readings } from '../readings.ts'
import type { RecordingMap } from './map.ts'
import type { Row } from './rows.ts'
import { createTimeParser } from './time-format.ts'

/** What one line of a recording says. */
export interface Recorded {
  site: string
  device: string
  tsMs: number
  seq: number | null
  boot: string | null
  readings: Readings
  /** Cells that are no numbers; they are left out. */
  badValues: string[]
}

/** What a row says, or the reason why it says nothing. */
export function createRecordedReader(map: RecordingMap): (row: Row) => Recorded | string {
  const readTime = createTimeReader(map)
  const names = {
    site: fill(map.site),
    device: fill(map.device),
    boot: map.boot === undefined ? noName : fill(map.boot),
  }
  const readReadings = createReadingsReader(map)
  return (row) => {
    const tsMs = readTime(row)
    if (typeof tsMs === 'string') return tsMs
    const [site, device, boot = null] = [names.site(row), names.device(row), names.boot(row)]
    if (site === undefined || device === undefined) return 'no name for its site or device'
    const seq = seqOf(map, row)
    if (seq === undefined) return 'no sequence number'
    const values = readReadings(row)
    return typeof values === 'string' ? values : { site, device, tsMs, seq, boot, ...values }
  }
}

/** Epoch ms of a row, or the reason why it has none. */
function createTimeReader({ time }: RecordingMap): (row: Row) => number | string {
  const parse = createTimeParser(time)
  const columns = [time.column].flat()
  return (row) => {
    const text = columns.map((column) => textOf(row(column)) ?? '').join(' ')
    const tsMs = parse(text)
    if (tsMs === undefined) return `no time: ${shown(text)}`
    return tsMs < minTimeMs || tsMs >= endTimeMs ? `a time outside 2000 to 2100: ${shown(text)}` : tsMs
  }
}

const noName = () => undefined

/** Quoted and cut short, so that a report stays readable. */
function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim()
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

/** Fills the braces of a template; characters that names may not have become `-`. */
function fill(template: string): (row: Row) => string | undefined {
  return (row) => {
    let complete = true
    const text = template.replace(/\{([^}]*)\}/g, (_all, column: string) => {
      const value = textOf(row(column))
      if (value === undefined || value === '') complete = false
      return value ?? ''
    })
    const name = text.replace(/[^A-Za-z0-9._:-]+/g, '-').slice(0, 64)
    return complete && isName(name) ? name : undefined
  }
}

/** Null where the map names none; undefined where the cell is none. */
function seqOf({ seq }: RecordingMap, row: Row): number | null | undefined {
  if (seq === undefined) return null
  const text = textOf(row(seq)) ?? ''
  const value = Number(text)
  return /^\d+$/.test(text) && Number.isSafeInteger(value) ? value : undefined
}

type Values = Pick<Recorded, 'readings' | 'badValues'>

function createReadingsReader(map: RecordingMap): (row: Row) => Values | string {
  const parse = createNumberParser(map)
  const pick = map.reading ? oneOf(map.reading) : severalOf(map)
  const add = (found: Values, { metric, cell, scale, offset }: Picked) => {
    const value = parse(cell)
    if (value === undefined) found.badValues.push(`${metric} is ${shown(String(textOf(cell) ?? typeof cell))}`)
    else if (value !== null) found.readings.push([metric, scaled(value, scale, offset)])
  }
  return (row) => {
    const picked = pick(row)
    if (typeof picked === 'string') return picked
    const found: Values = { readings: [], badValues: [] }
    for (const each of picked) add(found, each)
    if (found.readings.length > 0) return found
    return found.badValues[0] ?? 'no value in any of its columns'
  }
}

interface Picked {
  metric: string
  cell: unknown
  scale: number
  offset: number
}

function oneOf({ metric, column }: NonNullable<RecordingMap['reading']>): (row: Row) => Picked[] | string {
  const name = fill(metric)
  return (row) => {
    const filled = name(row)
    return filled === undefined
      ? 'no name for its metric'
      : [{ metric: filled, cell: row(column), scale: 1, offset: 0 }]
  }
}

function severalOf({ metrics = {} }: RecordingMap): (row: Row) => Picked[] {
  const columns = Object.entries(metrics).map(([metric, value]) =>
    typeof value === 'string' ? { metric, column: value, scale: 1, offset: 0 } : { metric, ...value },
  )
  return (row) => columns.map(({ column, ...rest }) => ({ ...rest, cell: row(column) }))
}

/** Twelve digits, so that 0.1 stays 0.1 after a change of unit. */
function scaled(value: number, scale: number, offset: number): number {
  return scale === 1 && offset === 0 ? value : Number((value * scale + offset).toPrecision(12))
}

/** Null where there is no value, undefined where it is no number. */
function createNumberParser({ decimal, missing }: RecordingMap): (cell: unknown) => number | null | undefined {
  const none = new Set(missing)
  const shape =
    decimal === ',' ? /^[+-]?(\d+(,\d*)?|,\d+)([eE][+-]?\d+)?$/ : /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/
  const fromText = (text: string) => {
    if (none.has(text)) return null
    if (text === 'true' || text === 'false') return Number(text === 'true')
    return shape.test(text) ? Number(decimal === ',' ? text.replace(',', '.') : text) : undefined
  }
  return (cell) => {
    if (cell === undefined || cell === null) return null
    const value = typeof cell === 'string' ? fromText(cell.trim()) : numberOf(cell)
    return typeof value === 'number' && !(Math.abs(value) <= maxAbsoluteValue) ? undefined : value
  }
}

function numberOf(cell: unknown): number | undefined {
  return typeof cell === 'number' || typeof cell === 'boolean' ? Number(cell) : undefined
}
