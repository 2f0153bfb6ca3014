import type * as cog from '@grafana/grafana-foundation-sdk/cog'

/** How a query names a variable of the dashboard. */
export const variable = (name: string) => `\${${name}}`

/** The variable whose value is the data source; every target and variable refers to it. */
export const source = { type: 'influxdb', uid: variable('source') }

/** True for the chosen value, or any of the chosen values, of the variable named like the tag. */
export const chosen = (tag: string) => `"${tag}" =~ /^${variable(`${tag}:regex`)}$/`

export interface Target extends cog.Dataquery {
  refId: string
  datasource: typeof source
  rawQuery: true
  query: string
  resultFormat: 'time_series'
  alias: string
}

/** Expressions by the name their series gets, `"<tag metric> <name>"`. */
type Fields = Readonly<Record<string, string>>

/** A raw InfluxQL query: the SDK has no module for InfluxDB. */
export class InfluxQl implements cog.Builder<cog.Dataquery> {
  private readonly fields: Fields
  private measurement = ''
  private conditions: string[] = []
  private grouping: string[] = []
  private fill = ''
  private name = ''
  private ref = 'A'

  constructor(fields: Fields) {
    this.fields = fields
  }

  from(policy: string, measurement: string): this {
    this.measurement = `"${policy}"."${measurement}"`
    return this
  }

  where(...conditions: string[]): this {
    this.conditions.push(...conditions)
    return this
  }

  /** Restricts to the chosen value or values of a variable of the same name. */
  chosen(...tags: string[]): this {
    return this.where(...tags.map(chosen))
  }

  groupBy(...tags: string[]): this {
    this.grouping.push(...tags.map((tag) => `"${tag}"`))
    return this
  }

  /** One point per interval of the panel; intervals without a row are gaps. */
  perInterval(): this {
    this.grouping.unshift('time($__interval)')
    this.fill = ' fill(null)'
    return this
  }

  alias(name: string): this {
    this.name = name
    return this
  }

  refId(ref: string): this {
    this.ref = ref
    return this
  }

  build(): Target {
    const list = Object.entries(this.fields).map(([name, expression]) => `${expression} AS "${name}"`)
    const conditions = [...this.conditions, '$timeFilter'].join(' AND ')
    const grouping = this.grouping.length > 0 ? ` GROUP BY ${this.grouping.join(', ')}` : ''
    const query = `SELECT ${list.join(', ')} FROM ${this.measurement} WHERE ${conditions}${grouping}${this.fill}`
    const target = { refId: this.ref, datasource: source, rawQuery: true as const, query, alias: this.name }
    return { ...target, resultFormat: 'time_series', _implementsDataqueryVariant: () => undefined }
  }
}
