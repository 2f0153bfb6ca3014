import type * as cog from '@grafana/grafana-foundation-sdk/cog'

/** How a query names a variable of the dashboard. */
export const variable = (name: string) => `\${${name}}`

/** The variable whose value is the data source; every target, variable and annotation refers to it. */
export const source = { type: 'influxdb', uid: variable('source') }

/** Where the ingest writes what: docs/influxdb.md. Windows of any length below an hour are in `minute`. */
export const tables = {
  readings: '"live"."reading"',
  accounts: '"live"."accounts"',
  pipeline: '"live"."pipeline"',
  minutes: '"minute"./^summary_/',
  completeness: '"minute"./^completeness_/',
  hours: '"history"."summary_1h"',
  days: '"history"."summary_1d"',
  alerts: '"history"."alert"',
} as const

/** True for the chosen value, or any of the chosen values, of the variable named like the tag. */
export const chosen = (...tags: string[]) =>
  tags.map((tag) => `"${tag}" =~ /^${variable(`${tag}:regex`)}$/`).join(' AND ')

export const inRange = '$timeFilter'

/** The end of the dashboard's range, epoch ms: InfluxQL has no now() among its values. */
export const rangeEndMs = variable('__to')

export interface Selection {
  /** Expressions by the name of their column. */
  fields: Readonly<Record<string, string>>
  from: string
  where?: readonly string[]
  /** Tags to group by. */
  by?: readonly string[]
  /** One point for each of these spans, such as the panel's interval. */
  every?: string
  /** What a span without rows gives; `none` leaves it out. */
  fill?: 'null' | 'none' | 'previous' | '0'
  /** Only so many of the newest rows, newest first. */
  newest?: number
}

export const interval = '$__interval'

export function select({ fields, from, where = [inRange], by = [], every, fill = 'null', newest }: Selection): string {
  const list = Object.entries(fields).map(([name, expression]) => `${expression} AS "${name}"`)
  const tags = by.map((tag) => `"${tag}"`)
  const groups = every === undefined ? tags : [`time(${every})`, ...tags]
  const conditions = where.length > 0 ? ` WHERE ${where.join(' AND ')}` : ''
  const grouping = groups.length > 0 ? ` GROUP BY ${groups.join(', ')}` : ''
  const gaps = every === undefined ? '' : ` fill(${fill})`
  const order = newest === undefined ? '' : ` ORDER BY time DESC LIMIT ${newest}`
  return `SELECT ${list.join(', ')} FROM ${from}${conditions}${grouping}${gaps}${order}`
}

export interface Target extends cog.Dataquery {
  refId: string
  datasource: typeof source
  rawQuery: true
  query: string
  resultFormat: 'time_series' | 'table'
  alias: string
}

/** A raw InfluxQL query: the SDK has no module for InfluxDB. */
export class InfluxQl implements cog.Builder<cog.Dataquery> {
  private readonly query: string
  private name = ''
  private ref = 'A'
  private format: Target['resultFormat'] = 'time_series'

  constructor(query: string | Selection) {
    this.query = typeof query === 'string' ? query : select(query)
  }

  /** Names of the series; `$tag_device` and `$col` stand for the tag and the column. */
  alias(name: string): this {
    this.name = name
    return this
  }

  refId(ref: string): this {
    this.ref = ref
    return this
  }

  /** One table with tags as columns, instead of a series for each group and column. */
  asTable(): this {
    this.format = 'table'
    return this
  }

  build(): Target {
    const target = { refId: this.ref, datasource: source, rawQuery: true as const, query: this.query, alias: this.name }
    return { ...target, resultFormat: this.format, _implementsDataqueryVariant: () => undefined }
  }
}
