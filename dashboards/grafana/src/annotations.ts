import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { chosen, InfluxQl, inRange, type Selection, source, type Target, tables } from './influxql.ts'

interface Mark {
  name: string
  colour: string
  query: Selection
  /** Column that is shown, and columns that become tags beside it. */
  text: string
  tags: string
  /** Column with the end, epoch ms, of what lasts. */
  end?: string
}

/** What Grafana's InfluxDB source reads of an annotation; of a target without `fromAnnotations` it makes an empty one. */
interface AnnotationTarget extends Target {
  fromAnnotations: true
  queryType: 'tags'
  name: string
  textColumn: string
  tagsColumn: string
  timeEndColumn: string
  titleColumn: string
}

const maxMarks = 200

function mark({ name, colour, query, text, tags, end = '' }: Mark): dashboard.AnnotationQueryBuilder {
  const plain = new InfluxQl(query).refId(name).build()
  const target: AnnotationTarget = {
    ...{ ...plain, query: `${plain.query} LIMIT ${maxMarks}`, name, fromAnnotations: true, queryType: 'tags' },
    ...{ textColumn: text, tagsColumn: tags, timeEndColumn: end, titleColumn: '' },
  }
  return new dashboard.AnnotationQueryBuilder()
    .name(name)
    .datasource(source)
    .enable(true)
    .iconColor(colour)
    .target({ build: () => target })
}

/** Windows in which messages of a numbered device are missing; how many. */
export const missingMarks = () =>
  mark({
    name: 'Messages missing',
    colour: '#d64550',
    query: {
      fields: { missing: '"missing"', device: '"device"' },
      from: tables.completeness,
      where: ['"missing" > 0', chosen('site', 'device'), inRange],
    },
    text: 'missing',
    tags: 'device',
  })

/** Windows that were corrected after they had closed; by how many readings. */
export const amendedMarks = () =>
  mark({
    name: 'Window amended by readings',
    colour: '#8d7bd0',
    query: {
      fields: { amended: '"amended"', metric: '"metric"' },
      from: tables.minutes,
      where: ['"amended" > 0', chosen('site', 'device', 'metric'), inRange],
    },
    text: 'amended',
    tags: 'metric',
  })

const alertFields = { message: '"message"', rule: '"rule"' }

/** Episodes that are over, from their first bad moment to their end. */
export const alertMarks = () =>
  mark({
    name: 'Alerts',
    colour: '#e9a93a',
    query: {
      fields: { ...alertFields, end: '"end"' },
      from: tables.alerts,
      where: ['"state" = \'cleared\'', chosen('site', 'device'), inRange],
    },
    text: 'message',
    tags: 'rule',
    end: 'end',
  })

/** Where alerts began that are still active. */
export const activeAlertMarks = () =>
  mark({
    name: 'Active alerts',
    colour: '#d64550',
    query: {
      fields: alertFields,
      from: tables.alerts,
      where: ['"state" = \'active\'', chosen('site', 'device'), inRange],
    },
    text: 'message',
    tags: 'rule',
  })
