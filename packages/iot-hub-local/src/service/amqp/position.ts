import type { StartPosition } from '../../types.ts'

/** The filter's name on the wire; rhea gives its described value. */
const filterName = 'apache.org:selector-filter:string'
const clause = /^\s*amqp\.annotation\.(x-opt-[a-z-]+)\s*(>=?)\s*'([^']*)'\s*$/

type Maker = (value: string, inclusive: boolean) => StartPosition | undefined

function whole(value: string): number | undefined {
  return /^-?\d{1,16}$/.test(value) ? Number(value) : undefined
}

const makers: Record<string, Maker> = {
  'x-opt-offset'(value, inclusive) {
    if (value === '@latest') return { at: 'latest' }
    if (value === '-1') return { at: 'earliest' }
    return whole(value) === undefined ? undefined : { offset: value, inclusive }
  },
  'x-opt-sequence-number'(value, inclusive) {
    const sequence = whole(value)
    return sequence === undefined ? undefined : { sequence, inclusive }
  },
  'x-opt-enqueued-time'(value, inclusive) {
    const enqueuedMs = whole(value)
    return enqueuedMs === undefined ? undefined : { enqueuedMs, inclusive }
  },
}

/** The position that a selector asks for; undefined for a text that is none. */
export function parseSelector(selector: string): StartPosition | undefined {
  const match = clause.exec(selector)
  return match ? makers[match[1]!]?.(match[3]!, match[2] === '>=') : undefined
}

/** The start of a reader by the filters of its link: without one, everything that is held. */
export function startOf(filters: unknown): StartPosition | undefined {
  const filter = (filters as Record<string, unknown> | undefined)?.[filterName]
  if (filter === undefined || filter === null) return { at: 'earliest' }
  const value = typeof filter === 'object' && 'value' in filter ? filter.value : filter
  return typeof value === 'string' ? parseSelector(value) : undefined
}
