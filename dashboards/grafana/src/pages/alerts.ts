import * as common from '@grafana/grafana-foundation-sdk/common'
import type * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { chosen, InfluxQl, inRange, interval, type Selection, select, tables } from '../influxql.ts'
import { deviceLink } from '../links.ts'
import { bars, chart, colours, inColour, list, number, steps } from '../looks.ts'
import { startPage, withSections } from '../page.ts'
import { devices, metrics, rules, sites, sourceVariable } from '../variables.ts'

const severities = [
  ['critical', colours.bad],
  ['warning', colours.live],
  ['info', colours.good],
] as const

const maxEpisodes = 500
const of = [chosen('site', 'device', 'metric', 'rule')]
const state = (is: 'active' | 'cleared' | 'withdrawn') => `"state" = '${is}'`
/** What late data took back never was an alert. */
const real = '"state" != \'withdrawn\''

const count = (where: readonly string[], more: Partial<Selection> = {}): Selection => {
  return { fields: { alerts: 'count("rev")' }, from: tables.alerts, where: [...where, ...of], ...more }
}

const anyIsBad = (colour: string) =>
  steps([
    [colours.good, null],
    [colour, 1],
  ])

function activeNow() {
  return number('Active now', 'Alerts that are active, whenever they began; the range above does not matter.')
    .withTarget(new InfluxQl(count([state('active')])).alias('active'))
    .noValue('0')
    .thresholds(anyIsBad(colours.live))
    .span(5)
    .height(4)
}

function criticalNow() {
  return number('Critical now', 'Of these, the critical ones.')
    .withTarget(new InfluxQl(count([state('active'), '"severity" = \'critical\''])).alias('critical'))
    .noValue('0')
    .thresholds(anyIsBad(colours.bad))
    .span(5)
    .height(4)
}

function raised() {
  return number(
    'Began in this range',
    'Alerts whose first bad moment lies in the range, whatever became of them but withdrawn.',
  )
    .withTarget(new InfluxQl(count([real, inRange])).alias('began'))
    .noValue('0')
    .span(5)
    .height(4)
}

function withdrawn() {
  return number('Withdrawn', 'Alerts of this range that were taken back, as late data showed that they never were.')
    .withTarget(new InfluxQl(count([state('withdrawn'), inRange])).alias('withdrawn'))
    .noValue('0')
    .span(4)
    .height(4)
}

/** Seconds from when something was so to when it was learned; `learned` is of the newest change of an alert. */
function learning(what: 'begin' | 'end'): string {
  const happened = what === 'begin' ? '"raised"' : '"end"'
  return select({
    fields: { late: `("learned" - ${happened}) / 1000` },
    from: tables.alerts,
    where: [state(what === 'begin' ? 'active' : 'cleared'), ...of, inRange],
  })
}

function timeToLearn() {
  return number(
    'Time to learn',
    'The longest time, of the alerts of this range that are over, from their end to when the end was learned.',
  )
    .withTarget(
      new InfluxQl({ fields: { late: 'max("late")' }, from: `(${learning('end')})`, where: [] }).alias('late'),
    )
    .noValue('none over')
    .unit('s')
    .span(5)
    .height(4)
}

function bySeverity() {
  const panel = bars(
    'Began, by severity',
    'Alerts of the chosen rules by the moment they began. Withdrawn ones are left out.',
  )
  severities.forEach(([severity], index) => {
    const where = [real, `"severity" = '${severity}'`, inRange]
    const query = new InfluxQl(count(where, { every: interval, fill: '0' })).alias(severity)
    panel.withTarget(query.refId('ABC'.charAt(index)))
  })
  return panel
    .interval('15m')
    .unit('short')
    .overrides(severities.map(([severity, colour]) => inColour(severity, colour)))
    .span(12)
    .height(9)
}

function bySite() {
  return bars('Began, by site', 'The same by site: where something goes wrong.')
    .withTarget(new InfluxQl(count([real, inRange], { every: interval, by: ['site'], fill: '0' })).alias('$tag_site'))
    .interval('15m')
    .unit('short')
    .span(12)
    .height(9)
}

const coloured = (values: readonly (readonly [text: string, colour: string])[]) => [
  { id: 'custom.cellOptions', value: { type: 'color-text' } },
  {
    id: 'mappings',
    value: [
      {
        type: 'value',
        options: Object.fromEntries(values.map(([text, color], index) => [text, { text, color, index }])),
      },
    ],
  },
]

const moment = [{ id: 'unit', value: 'dateTimeAsLocal' }]
/** InfluxDB never forgets a field, so an alert without an end has the end 0. */
const endMoment = [
  ...moment,
  { id: 'mappings', value: [{ type: 'value', options: { '0': { text: 'still active', index: 0 } } }] },
]

function byRule() {
  const groups = {
    rule: { aggregations: [], operation: 'groupby' },
    alerts: { aggregations: ['sum'], operation: 'aggregate' },
    site: { aggregations: ['distinctCount'], operation: 'aggregate' },
    device: { aggregations: ['distinctCount'], operation: 'aggregate' },
  }
  return list(
    'By rule',
    'How often each rule found something in this range, at how many sites and devices. The first one is worth a look.',
  )
    .withTarget(
      new InfluxQl({
        fields: { rule: '"rule"', alerts: '"rev" * 0 + 1', site: '"site"', device: '"device"' },
        from: tables.alerts,
        where: [real, ...of, inRange],
      }).asTable(),
    )
    .withTransformation({ id: 'groupBy', options: { fields: groups } })
    .sortBy([new common.TableSortByFieldStateBuilder().displayName('alerts (sum)').desc(true)])
    .unit('short')
    .span(12)
    .height(9)
}

function learningOverTime() {
  const points = (what: 'begin' | 'end'): Selection => {
    return { fields: { [what]: 'max("late")' }, from: `(${learning(what)})`, every: interval, fill: 'none' }
  }
  return chart(
    'Time to learn',
    'The longest time of each interval from when it happened to when it was learned, at the time the alert began: of the begin for active ones, of the end for those that are over. High points are late data, or an agent that was offline.',
  )
    .withTarget(new InfluxQl(points('begin')).alias('begin'))
    .withTarget(new InfluxQl(points('end')).alias('end').refId('B'))
    .interval('1m')
    .drawStyle(common.GraphDrawStyle.Points)
    .showPoints(common.VisibilityMode.Always)
    .unit('s')
    .min(0)
    .span(12)
    .height(9)
}

const shown = ['severity', 'state', 'message', 'site', 'device', 'metric', 'rule', 'cause', 'raised', 'end', 'learned']

function episodes() {
  const fields = Object.fromEntries([...shown, 'value', 'threshold', 'unit'].map((name) => [name, `"${name}"`]))
  const order = ['Time', ...shown, 'value', 'threshold', 'unit']
  return list(
    'Episodes',
    `The newest ${maxEpisodes} alerts of this range: since when, when the rule was fulfilled, when it was over, when that was learned, the worst value and the bound. Click a device to open it over the same range.`,
  )
    .withTarget(new InfluxQl({ fields, from: tables.alerts, where: [...of, inRange], newest: maxEpisodes }).asTable())
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: {},
        indexByName: Object.fromEntries(order.map((name, index) => [name, index])),
        renameByName: { Time: 'began' },
      },
    })
    .unit('short')
    .overrideByName('severity', coloured(severities))
    .overrideByName(
      'state',
      coloured([
        ['active', colours.bad],
        ['cleared', colours.good],
        ['withdrawn', '#8d7bd0'],
      ]),
    )
    .overrideByName('raised', moment)
    .overrideByName('end', endMoment)
    .overrideByName('learned', moment)
    .overrideByName('device', [{ id: 'links', value: [deviceLink('row')] }])
    .noValue('no alert in this range')
    .span(24)
    .height(14)
}

/** What is wrong now, what went wrong when, which rules speak most, and how late it is learned. */
export function alerts(): dashboard.Dashboard {
  const page = startPage('alerts', {
    title: 'alerts',
    description:
      'Alerts of the rules at the edge and in the cloud: active ones, episodes over time, and how late they were learned.',
    from: 'now-24h',
    refresh: '30s',
    variables: [sourceVariable(), sites(), devices(), metrics(), rules()],
  })
  return withSections(page, [
    { panels: [activeNow(), criticalNow(), raised(), withdrawn(), timeToLearn()] },
    { panels: [bySeverity(), bySite(), byRule(), learningOverTime()] },
    { title: 'Episodes', panels: [episodes()] },
  ])
}
