import * as bargauge from '@grafana/grafana-foundation-sdk/bargauge'
import * as common from '@grafana/grafana-foundation-sdk/common'
import type * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import * as statushistory from '@grafana/grafana-foundation-sdk/statushistory'
import { activeAlertMarks, alertMarks } from '../annotations.ts'
import { chosen, InfluxQl, inRange, interval, rangeEndMs, select, source, tables, variable } from '../influxql.ts'
import { deviceLink } from '../links.ts'
import { colours, columns, completenessSteps, list, number, steps } from '../looks.ts'
import { completePercent, meanOfReadings } from '../measures.ts'
import { startPage, withSections } from '../page.ts'
import { catalogueOverrides } from '../units.ts'
import { devices, oneMetric, silence, sites, sourceVariable } from '../variables.ts'

const devicesChosen = [chosen('site', 'device'), inRange]
const metricChosen = [chosen('site', 'device', 'metric'), inRange]
const ranked = 10

/** A device that has been silent for longer is no part of the fleet any more. */
const memory = '7d'

const ageSteps = [
  [colours.good, null],
  ['#e9c46a', 120],
  [colours.bad, 600],
] as const

/** Each device of the last days before the end of the range, with the age of its newest stored reading then. */
const ages = select({
  fields: { age: `(${rangeEndMs} - max("lastTs")) / 1000`, newest: 'max("lastTs")' },
  from: tables.minutes,
  where: [chosen('site', 'device'), `time > ${rangeEndMs}ms - ${memory}`, `time <= ${rangeEndMs}ms`],
  by: ['site', 'device'],
})

const isSilent = `"age" > ${variable('silence:raw')}`

function known() {
  return number(
    'Devices',
    'Devices of the chosen sites with a stored reading in the seven days before the end of the range.',
  )
    .withTarget(new InfluxQl({ fields: { devices: 'count("age")' }, from: `(${ages})`, where: [] }).alias('devices'))
    .span(6)
    .height(4)
}

function silent() {
  return number('Silent devices', 'Of these, the devices whose newest stored reading is older than the chosen silence.')
    .withTarget(
      new InfluxQl({ fields: { silent: 'count("age")' }, from: `(${ages})`, where: [isSilent] }).alias('silent'),
    )
    .noValue('0')
    .thresholds(
      steps([
        [colours.good, null],
        [colours.bad, 1],
      ]),
    )
    .span(6)
    .height(4)
}

function oldest() {
  return number('Longest silence', 'Age of the newest stored reading of the device that has been quiet for longest.')
    .withTarget(new InfluxQl({ fields: { oldest: 'max("age")' }, from: `(${ages})`, where: [] }).alias('oldest'))
    .unit('s')
    .decimals(0)
    .thresholds(steps(ageSteps))
    .span(6)
    .height(4)
}

function missing() {
  return number(
    'Messages missing',
    'Messages that the numbers of the devices say were sent in this range, and that did not come yet.',
  )
    .withTarget(
      new InfluxQl({ fields: { missing: 'sum("missing")' }, from: tables.completeness, where: devicesChosen }).alias(
        'missing',
      ),
    )
    .noValue('no numbers')
    .thresholds(
      steps([
        [colours.good, null],
        [colours.bad, 1],
      ]),
    )
    .span(6)
    .height(4)
}

const coloured = (thresholds: readonly (readonly [string, number | null])[], type: string) => [
  { id: 'thresholds', value: steps([...thresholds]).build() },
  { id: 'custom.cellOptions', value: { type } },
]

const ageColumn = [{ id: 'unit', value: 's' }, { id: 'decimals', value: 0 }, ...coloured(ageSteps, 'color-text')]
const newestColumn = [{ id: 'unit', value: 'dateTimeAsLocal' }]
const linked = [{ id: 'links', value: [deviceLink('row')] }]

function freshness() {
  return list(
    'Freshness',
    'Age of the newest stored reading of each device at the end of the range, oldest first. A device that sends is about one window and ten seconds old; yellow from 2 minutes, red from 10.',
  )
    .withTarget(
      new InfluxQl({
        fields: { age: '"age"', newest: '"newest"' },
        from: `(${ages})`,
        where: [],
        by: ['site', 'device'],
      }).asTable(),
    )
    .withTransformation(columns('site', 'device', 'age', 'newest'))
    .sortBy([new common.TableSortByFieldStateBuilder().displayName('age').desc(true)])
    .unit('short')
    .overrideByName('age', ageColumn)
    .overrideByName('newest', newestColumn)
    .overrideByName('device', linked)
    .span(12)
    .height(11)
}

function silenceList() {
  return list(
    'Silent',
    'Devices whose newest stored reading is older than the chosen silence, longest first. Empty is good.',
  )
    .withTarget(
      new InfluxQl({
        fields: { age: '"age"', newest: '"newest"' },
        from: `(${ages})`,
        where: [isSilent],
        by: ['site', 'device'],
      }).asTable(),
    )
    .withTransformation(columns('site', 'device', 'age', 'newest'))
    .sortBy([new common.TableSortByFieldStateBuilder().displayName('age').desc(true)])
    .noValue('nobody is silent')
    .unit('short')
    .overrideByName('age', ageColumn)
    .overrideByName('newest', newestColumn)
    .overrideByName('device', linked)
    .span(12)
    .height(11)
}

function ranking(title: string, description: string, order: 'top' | 'bottom') {
  const means = select({
    fields: { mean: meanOfReadings },
    from: tables.minutes,
    where: metricChosen,
    by: ['site', 'device'],
  })
  // The column is called like the metric, which gives it the metric's unit.
  const fields = { [variable('metric:raw')]: `${order}("mean", "site", "device", ${ranked})` }
  return new bargauge.PanelBuilder()
    .title(title)
    .description(description)
    .datasource(source)
    .withTarget(new InfluxQl({ fields, from: `(${means})`, where: [] }).asTable())
    .reduceOptions(new common.ReduceDataOptionsBuilder().values(true).calcs([]).limit(ranked))
    .orientation(common.VizOrientation.Horizontal)
    .displayMode(common.BarGaugeDisplayMode.Basic)
    .unit('short')
    .overrides(catalogueOverrides('bar'))
    .overrideByName('device', linked)
    .span(12)
    .height(9)
}

function heatMap() {
  return (
    new statushistory.PanelBuilder()
      .title('Completeness of each device')
      .description(
        'One row for each device, one cell for each interval: messages that arrived, of those that its numbers say were sent. An empty cell is an interval without any stored message.',
      )
      .datasource(source)
      .withTarget(
        new InfluxQl(completePercent({ every: interval, by: ['site', 'device'], fill: 'none' })).alias(
          '$tag_site/$tag_device',
        ),
      )
      .interval('1m')
      // More cells than this are narrower than they can be pointed at.
      .maxDataPoints(90)
      .showValue(common.VisibilityMode.Never)
      // Grafana 9.4 does not know pages and draws all rows.
      .perPage(25)
      .unit('percent')
      .decimals(1)
      .min(0)
      .max(100)
      .thresholds(steps(completenessSteps))
      .overrideByRegexp('/.*/', [{ id: 'links', value: [deviceLink('series')] }])
      .legend(
        new common.VizLegendOptionsBuilder()
          .displayMode(common.LegendDisplayMode.List)
          .placement(common.LegendPlacement.Bottom)
          .showLegend(true),
      )
      .span(24)
      .height(14)
  )
}

/** All devices at once: who is late, who is silent, who stands out, whose messages are missing. */
export function fleet(): dashboard.Dashboard {
  const page = startPage('fleet', {
    title: 'fleet',
    description: 'Which devices are late, silent, incomplete, or stand out in one metric.',
    from: 'now-3h',
    refresh: '10s',
    variables: [sourceVariable(), sites(), devices(), oneMetric(), silence()],
  })
    .annotation(alertMarks())
    .annotation(activeAlertMarks())
  const most = 'The ten devices with the highest mean of the chosen metric over this range, weighted by readings.'
  const least = 'The ten devices with the lowest mean of the chosen metric over this range, weighted by readings.'
  return withSections(page, [
    { panels: [known(), silent(), oldest(), missing()] },
    { title: 'Freshness and silence', panels: [freshness(), silenceList()] },
    { title: 'Completeness', panels: [heatMap()] },
    {
      title: 'Top and bottom',
      panels: [ranking('Highest $metric', most, 'top'), ranking('Lowest $metric', least, 'bottom')],
    },
  ])
}
