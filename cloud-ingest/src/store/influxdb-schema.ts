import { MillraceError } from '@millrace/pipeline'
import type { FieldType, ISchemaOptions } from 'influx'

const hourMs = 3_600_000

/** What is kept how long; `durationMs` 0 is for ever. Durations in InfluxDB's notation. */
export const policies = [
  { name: 'live', duration: '1d', durationMs: 24 * hourMs },
  { name: 'minute', duration: '90d', durationMs: 90 * 24 * hourMs },
  { name: 'history', duration: 'INF', durationMs: 0 },
] as const

export type Policy = (typeof policies)[number]['name']
type TypeName = 'float' | 'integer' | 'string'

const typesOf = (type: TypeName, ...names: string[]) => Object.fromEntries(names.map((name) => [name, type]))

const summary = {
  ...typesOf('float', 'sum', 'min', 'max', 'mean', 'stddev', 'first', 'last', 'p50', 'p95', 'p99', 'increase'),
  ...typesOf('integer', 'count', 'firstTs', 'lastTs', 'lengthMs', 'rev', 'parts', 'amended', 'duplicate', 'unstamped'),
  ...typesOf('string', 'agent', 'spool', 'sketch', 'unit'),
}
const completeness = { ...typesOf('integer', 'messages', 'missing', 'lengthMs', 'rev'), boots: 'string' as const }

/** Fields of the small measurements, which the `influx` client writes. */
const accounts = typesOf(
  'integer',
  ...['accepted', 'closed', 'open', 'duplicate', 'tooLate', 'invalid', 'dropped', 'qos0'],
  ...['unaccounted', 'sent', 'held', 'refused', 'mismatch'],
)
const pipeline = {
  ...typesOf('float', 'perSecond', 'latencyMs'),
  ...typesOf('integer', 'total', 'errors', 'behind', 'bytes', 'maxBytes', 'up'),
}

/** Fields of an alert; `end` is 0 while it is active, as a field once written can never be taken away. */
const alert = {
  ...typesOf('string', 'id', 'rule', 'version', 'owner', 'cause', 'severity', 'state', 'change', 'agent'),
  ...typesOf('string', 'unit', 'message', 'labels', 'movedFrom'),
  ...typesOf('integer', 'rev', 'raised', 'end', 'learned'),
  ...typesOf('float', 'value', 'threshold'),
}

const small = [
  { measurement: 'alert', tags: ['site', 'device', 'metric'], fields: alert },
  { measurement: 'accounts', tags: ['site'], fields: accounts },
  { measurement: 'accounts_1h', tags: ['site'], fields: accounts },
  { measurement: 'pipeline', tags: ['stage', 'site', 'agent'], fields: pipeline },
]

/** In the client's words; without it every number would be written as a float. */
export function clientSchema(database: string, types: typeof FieldType): ISchemaOptions[] {
  const words = { float: types.FLOAT, integer: types.INTEGER, string: types.STRING }
  return small.map(({ measurement, tags, fields }) => ({
    ...{ database, measurement, tags },
    fields: Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, words[type as TypeName]])),
  }))
}

/** What an administrator runs where the ingest's user may not create. */
export function createStatements(database: string): string[] {
  const create = policies.map(({ name, duration }) => {
    const isDefault = name === 'minute' ? ' DEFAULT' : ''
    return `CREATE RETENTION POLICY "${name}" ON "${database}" DURATION ${duration} REPLICATION 1${isDefault}`
  })
  return [`CREATE DATABASE "${database}"`, ...create]
}

function fieldsOf(measurement: string): Record<string, TypeName> | undefined {
  if (measurement.startsWith('summary_')) return summary
  if (measurement.startsWith('completeness_')) return completeness
  if (measurement === 'reading') return { value: 'float' }
  return small.find((one) => one.measurement === measurement)?.fields
}

/** A duration as InfluxDB tells it, such as `24h0m0s`. */
export function parsePolicyDuration(text: string): number | undefined {
  const found = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text)
  if (!found || text === '') return undefined
  const [hours, minutes, seconds] = found.slice(1).map((part) => Number(part ?? 0)) as [number, number, number]
  return ((hours * 60 + minutes) * 60 + seconds) * 1000
}

/** Throws, and nothing was changed, where writing would break what somebody else has set up. */
export class SchemaCheck {
  private readonly database: string
  private readonly place: string

  constructor({ url, database }: { url: string; database: string }) {
    this.database = database
    this.place = `InfluxDB at ${url} (stores[].url)`
  }

  policies(existing: readonly { name: string; duration: string }[]): void {
    for (const { name, duration, durationMs } of policies) {
      const found = existing.find((policy) => policy.name === name)
      if (!found || parsePolicyDuration(found.duration) === durationMs) continue
      const told = found.duration === '0s' ? 'INF' : found.duration
      throw this.refuse(
        `its retention policy "${name}" of "${this.database}" keeps ${told}, where ${duration} is needed`,
        `ALTER RETENTION POLICY "${name}" ON "${this.database}" DURATION ${duration}, or name another stores[].database`,
      )
    }
  }

  missing(names: readonly string[]): void {
    if (names.length === 0) return
    throw this.refuse(
      `it has no bucket for ${names.map((name) => `"${this.database}/${name}"`).join(', ')}`,
      'InfluxDB 2 makes buckets by its own tool alone: docs/influxdb.md has the commands',
    )
  }

  /** `fields` as `SHOW FIELD KEYS` tells them: a field with two types stands there twice. */
  fields(measurement: string, fields: readonly (readonly [name: string, type: string])[]): void {
    const expected = fieldsOf(measurement)
    for (const [name, type] of fields) {
      const wanted = expected?.[name]
      if (wanted === undefined || wanted === type) continue
      throw this.refuse(
        `field "${name}" of its measurement "${measurement}" in "${this.database}" is ${type}, where ${wanted} is needed`,
        'name another stores[].database, or drop the measurement if nobody needs it',
      )
    }
  }

  private refuse(what: string, hint: string): MillraceError {
    return new MillraceError('store-foreign', `nothing is written to ${this.place}: ${what}; ${hint}`)
  }
}
