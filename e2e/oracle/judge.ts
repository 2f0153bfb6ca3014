import { type Expected, type Facts, factsOf, type Windows } from './recount.ts'
import type { Row } from './stores.ts'

export interface Difference {
  device: string
  metric: string
  start: number
  kind: 'lost' | 'doubled' | 'foreign' | 'wrong-window' | 'wrong-value'
  /** Readings concerned. */
  readings: number
  detail: string
}

type Found = Pick<Difference, 'kind' | 'readings' | 'detail'>

export interface Judgement {
  /** Windows that are as they must be. */
  windows: number
  /** Readings in them. */
  readings: number
  amendedWindows: number
  differences: Difference[]
}

const exact = [
  'count',
  'sum',
  'min',
  'max',
  'mean',
  'first',
  'firstTs',
  'last',
  'lastTs',
  'p50',
  'p95',
  'p99',
  'increase',
] as const
const rootError = 1e-9

function fieldsThatDiffer(facts: Facts, row: Row): string[] {
  const wrong: string[] = exact.filter((field) => facts[field] !== row[field])
  const size = Math.max(Math.abs(facts.max), Math.abs(facts.min), 1)
  if (!(Math.abs(facts.stddev - row.stddev) <= rootError * size)) wrong.push('stddev')
  return wrong
}

/** The row may hold what must be in it, or that and all of what may. */
function differenceOf({ demanded, maybe }: Expected, row: Row): Found | undefined {
  const sets = [demanded, [...demanded, ...maybe]].filter((set) => set.length > 0)
  const tried = sets.map((set) => {
    const facts = factsOf(set, row.metric)
    return { facts, wrong: fieldsThatDiffer(facts, row) }
  })
  if (tried.some(({ wrong }) => wrong.length === 0)) return undefined
  const most = demanded.length + maybe.length
  if (row.count < demanded.length)
    return {
      kind: 'lost',
      readings: demanded.length - row.count,
      detail: `${row.count} of ${demanded.length} readings`,
    }
  if (row.count > most)
    return { kind: 'doubled', readings: row.count - most, detail: `${row.count} instead of ${most} readings` }
  const [{ facts, wrong }] = tried as [(typeof tried)[number]]
  // Between the two sets any subset may be there, and no field but the count is known.
  if (maybe.length > 0 && row.count < most && row.count > demanded.length) return undefined
  const detail = wrong.map((name) => `${name} ${row[name as keyof Facts]} instead of ${facts[name as keyof Facts]}`)
  return { kind: 'wrong-value', readings: 1, detail: detail.join(', ') }
}

const keyOf = ({ device, metric, start }: Pick<Row, 'device' | 'metric' | 'start'>) => `${device}/${metric}/${start}`

class Judging {
  readonly #windows: Windows
  readonly #windowMs: number
  readonly #seen = new Set<string>()
  readonly result: Judgement = { windows: 0, readings: 0, amendedWindows: 0, differences: [] }

  constructor(windows: Windows, windowMs: number) {
    this.#windows = windows
    this.#windowMs = windowMs
  }

  row(row: Row): void {
    const difference = this.#difference(row)
    if (difference) {
      this.#differ(row, difference)
      return
    }
    this.result.windows++
    this.result.readings += row.count
    if (row.amended > 0) this.result.amendedWindows++
  }

  #difference(row: Row): Found | undefined {
    const { lengthMs, start, count: readings } = row
    if (lengthMs !== this.#windowMs || start % this.#windowMs !== 0)
      return { kind: 'wrong-window', readings, detail: `a window of ${lengthMs} ms` }
    if (this.#seen.has(keyOf(row))) return { kind: 'doubled', readings, detail: 'two rows of one window' }
    this.#seen.add(keyOf(row))
    const expected = this.#windows.get(row.device)?.get(row.metric)?.get(start)
    return expected
      ? differenceOf(expected, row)
      : { kind: 'foreign', readings, detail: 'a row of which nothing was sent' }
  }

  missing(): void {
    for (const [device, metrics] of this.#windows) {
      for (const [metric, starts] of metrics) {
        for (const [start, { demanded }] of starts) {
          if (demanded.length === 0 || this.#seen.has(keyOf({ device, metric, start }))) continue
          const detail = `none of ${demanded.length} readings`
          this.#differ({ device, metric, start }, { kind: 'lost', readings: demanded.length, detail })
        }
      }
    }
  }

  #differ({ device, metric, start }: Pick<Row, 'device' | 'metric' | 'start'>, found: Found): void {
    this.result.differences.push({ device, metric, start, ...found })
  }
}

/** Holds every row of a store against what was published, and demands a row wherever something was acknowledged. */
export function judge(windows: Windows, windowMs: number, rows: readonly Row[]): Judgement {
  const judging = new Judging(windows, windowMs)
  for (const row of rows) judging.row(row)
  judging.missing()
  return judging.result
}

const sumOf = (differences: readonly Difference[], kinds: readonly Difference['kind'][]) =>
  differences.filter(({ kind }) => kinds.includes(kind)).reduce((sum, { readings }) => sum + readings, 0)

export const lostIn = ({ differences }: Judgement) => sumOf(differences, ['lost'])
export const doubledIn = ({ differences }: Judgement) => sumOf(differences, ['doubled', 'foreign'])
export const wrongIn = ({ differences }: Judgement) => sumOf(differences, ['wrong-window', 'wrong-value'])
