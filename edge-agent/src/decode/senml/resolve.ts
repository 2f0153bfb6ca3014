import type { Refusal } from '../recorder.ts'

export interface SenmlValue {
  base: string
  /** The record's own name; empty for none. */
  own: string
  unit: string
  /** Seconds: below 2^28 in size from arrival, else since 1970. */
  timeS: number
  value: number | undefined
  sum: number | undefined
}

type Fields = Readonly<Record<string, unknown>>

/** Newest version of the format that RFC 8428 describes. */
const version = 10
const namePattern = /^[A-Za-z0-9][A-Za-z0-9\-:./_]*$/
const values = ['v', 'vb', 'vs', 'vd'] as const
const baseTypes = { bn: 'string', bu: 'string', bt: 'number', bv: 'number', bs: 'number' } as const

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const shape = (why: string): Refusal => ({ reason: 'bad-shape', why })

/** Why nothing of a pack may be used: RFC 8428, 4.4. */
export function refusedPack(records: readonly unknown[]): string | undefined {
  for (const record of records) {
    if (!isFields(record)) continue
    const { bver = version } = record
    if (typeof bver !== 'number' || bver > version) return 'a version of SenML that is not known'
    if (Object.keys(record).some((label) => label.endsWith('_'))) return 'a label that must be understood and is not'
  }
  return undefined
}

/** Puts the base values in force on the records of one pack, in order. */
export class SenmlBases {
  #base: Fields = {}
  #broken = false

  /** The record resolved; undefined for one that only sets base values. */
  resolve(record: unknown): SenmlValue | Refusal | undefined {
    if (!isFields(record)) return shape('no SenML record')
    this.#take(record)
    // What the sender meant the base to be is not known, and so neither is what follows means.
    if (this.#broken) return shape('a base value of the wrong type here or before')
    const given = values.filter((label) => record[label] !== undefined)
    if (given.length === 0 && record.s === undefined && record.n === undefined) return undefined
    return this.#named(record, given)
  }

  #take(record: Fields): void {
    for (const [label, type] of Object.entries(baseTypes)) {
      if (record[label] === undefined) continue
      if (typeof record[label] !== type) this.#broken = true
      this.#base = { ...this.#base, [label]: record[label] }
    }
  }

  #named(record: Fields, given: readonly (typeof values)[number][]): SenmlValue | Refusal {
    const { n = '', u, t = 0 } = record
    const { bn = '', bu = '', bt = 0 } = this.#base as { bn?: string; bu?: string; bt?: number }
    if (typeof n !== 'string' || typeof (u ?? '') !== 'string' || typeof t !== 'number')
      return shape('a name, unit or time of the wrong type')
    if (!namePattern.test(bn + n)) return { reason: 'bad-name', why: `"${bn}${n}" is no SenML name` }
    if (given.length > 1) return shape('more than one value')
    const value = numberIn(record, given[0], this.#base.bv)
    const sum = sumOf(record.s, this.#base.bs)
    if (Number.isNaN(value) || Number.isNaN(sum))
      return { reason: 'bad-value', why: 'its value is no number and no boolean' }
    if (value === undefined && sum === undefined) return { reason: 'bad-value', why: 'no value' }
    return { base: bn, own: n, unit: (u as string | undefined) ?? bu, timeS: bt + t, value, sum }
  }
}

/** NaN for what is no number. */
function numberIn(record: Fields, label: (typeof values)[number] | undefined, base: unknown): number | undefined {
  const offset = base === undefined ? 0 : (base as number)
  if (label === undefined) return base === undefined ? undefined : offset
  if (label === 'v' && typeof record.v === 'number') return offset + record.v
  return label === 'vb' && typeof record.vb === 'boolean' ? Number(record.vb) : Number.NaN
}

function sumOf(sum: unknown, base: unknown): number | undefined {
  if (sum === undefined) return base as number | undefined
  return typeof sum === 'number' ? sum + ((base as number | undefined) ?? 0) : Number.NaN
}
