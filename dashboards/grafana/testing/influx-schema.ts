/** What Grafana's InfluxDB source reads of a query. @grafana/schema has no types of it: checked with its source, 9.4 and 11. */
export interface InfluxTarget {
  refId: string
  datasource: { type: string; uid: string }
  rawQuery: boolean
  query: string
  resultFormat: 'time_series' | 'table' | 'logs'
  alias: string
}

export interface InfluxAnnotation extends InfluxTarget {
  fromAnnotations: true
  queryType: 'tags'
  name: string
  textColumn: string
  tagsColumn: string
  timeEndColumn: string
  titleColumn: string
}
