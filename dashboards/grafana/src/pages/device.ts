import * as common from '@grafana/grafana-foundation-sdk/common'
import type * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { activeAlertMarks, alertMarks, amendedMarks, missingMarks } from '../annotations.ts'
import { chosen, InfluxQl, inRange, interval, select, tables } from '../influxql.ts'
import { zoomLink } from '../links.ts'
import { bars, chart, colours, completenessSteps, inColour, list, number, steps, summaryLooks } from '../looks.ts'
import { completePercent, meanOfReadings } from '../measures.ts'
import { startPage, withSections } from '../page.ts'
import { bandOverrides, catalogueOverrides, override } from '../units.ts'
import { metrics, oneDevice, oneSite, sourceVariable } from '../variables.ts'

const hourMs = 3_600_000
const deviceChosen = [chosen('site', 'device'), inRange]
const metricChosen = [chosen('site', 'device', 'metric'), inRange]

function newestValues() {
  return number(
    'Now',
    'The newest live reading of each chosen metric. Red: outside the range that the sensor catalogue holds for plausible.',
  )
    .withTarget(
      new InfluxQl({
        fields: { last: 'last("value")' },
        from: tables.readings,
        where: metricChosen,
        by: ['metric'],
      }).alias('$tag_metric'),
    )
    .overrides(catalogueOverrides('text'))
    .noValue('no live readings in this range')
    .textMode(common.BigValueTextMode.ValueAndName)
    .span(14)
    .height(5)
}

function newestStored() {
  return number(
    'Newest stored reading',
    'Event time of the newest reading in a stored window of this device. Windows are stored about ten seconds after they close.',
  )
    .withTarget(
      new InfluxQl({ fields: { newest: 'max("lastTs")' }, from: tables.minutes, where: deviceChosen }).alias('newest'),
    )
    .unit('dateTimeFromNow')
    .span(5)
    .height(5)
}

function complete() {
  return number(
    'Complete',
    'Messages that arrived, of those that the numbers of the device say were sent, in the windows of this time range.',
  )
    .withTarget(new InfluxQl(completePercent()).alias('complete'))
    .unit('percent')
    .decimals(2)
    .noValue('sends no numbers')
    .thresholds(steps(completenessSteps))
    .span(5)
    .height(5)
}

const summaryFields = { mean: meanOfReadings, min: 'min("min")', max: 'max("max")', p95: 'max("p95")' }

const overTime = (from: string) =>
  new InfluxQl({ fields: summaryFields, from, where: metricChosen, every: interval, by: ['metric'] }).alias(
    '$tag_metric $col',
  )

const zoomable = (title: string, windowMs: number) =>
  override('byRegexp', '/ (mean|p95)$/', { links: [zoomLink(title, windowMs)] })

const summaryOverrides = () => [...catalogueOverrides('chart'), ...summaryLooks(), ...bandOverrides()]

function minutes() {
  const edge = new InfluxQl({
    fields: { live: '"value"' },
    from: tables.readings,
    where: [...metricChosen, 'time >= now() - 3m'],
    by: ['metric'],
  })
  return chart(
    '$metric: minutes and the live edge',
    'Stored windows: the mean, a band from the lowest to the highest reading, and the highest p95 of the windows in an interval. Yellow dots: live readings of the last three minutes, which lie in windows that are not closed, or not stored yet.',
  )
    .withTarget(overTime(tables.minutes))
    .withTarget(edge.alias('$tag_metric $col').refId('B'))
    .interval('1m')
    .overrides(summaryOverrides())
    .span(12)
    .height(9)
}

function hours() {
  return chart(
    '$metric: hours',
    'Hours merged from the minutes that agents sent. The last seven days, or the range chosen if it is a fixed one. Click a point to see the minutes of that hour.',
  )
    .withTarget(overTime(tables.hours))
    .interval('1h')
    .timeFrom('7d')
    .showPoints(common.VisibilityMode.Always)
    .overrides([...summaryOverrides(), zoomable('The minutes around this hour', 2 * hourMs)])
    .span(6)
    .height(9)
}

/** As they are stored: a day of another zone than UTC does not begin where InfluxDB begins its spans. */
const dayByDay = () => {
  const fields = Object.fromEntries(Object.keys(summaryFields).map((name) => [name, `"${name}"`]))
  return new InfluxQl({ fields, from: tables.days, where: metricChosen, by: ['metric'] }).alias('$tag_metric $col')
}

function days() {
  return chart(
    '$metric: days',
    'Days merged from the minutes that agents sent, kept without end. The last 90 days, or the range chosen if it is a fixed one. Click a point to see the hours of that day.',
  )
    .withTarget(dayByDay())
    .interval('1d')
    .timeFrom('90d')
    .showPoints(common.VisibilityMode.Always)
    .overrides([...summaryOverrides(), zoomable('The hours around this day', 48 * hourMs)])
    .span(6)
    .height(9)
}

function messages() {
  return bars(
    'Messages that arrived, and missing',
    'Messages of the device in each interval, set-aside ones included, and those that its numbers say it sent but that did not come. A repaired gap turns from red to green when the late messages arrive.',
  )
    .withTarget(
      new InfluxQl({
        fields: { arrived: 'sum("messages")', missing: 'sum("missing")' },
        from: tables.completeness,
        where: deviceChosen,
        every: interval,
      }).alias('$col'),
    )
    .interval('1m')
    .unit('short')
    .overrides([inColour('arrived', colours.good), inColour('missing', colours.bad)])
    .span(12)
    .height(8)
}

function lateAndDouble() {
  const fields = { amended: 'sum("amended")', duplicate: 'sum("duplicate")', unstamped: 'sum("unstamped")' }
  return chart(
    'Late, repeated and unstamped readings',
    'Amended: arrived after their window had closed and were counted in it. Duplicate: sent again, recognised, counted once. Unstamped: came without a time and carry the time of their arrival.',
  )
    .withTarget(new InfluxQl({ fields, from: tables.minutes, where: metricChosen, every: interval }).alias('$col'))
    .interval('1m')
    .unit('short')
    .min(0)
    .span(12)
    .height(8)
}

function growth() {
  return bars(
    'Growth of counters',
    'By how much each counter grew in an interval, resets understood. Metrics that are no counters have none.',
  )
    .withTarget(
      new InfluxQl({
        fields: { increase: 'sum("increase")' },
        from: tables.minutes,
        where: metricChosen,
        every: interval,
        by: ['metric'],
        fill: 'none',
      }).alias('$tag_metric'),
    )
    .interval('1m')
    .noValue('no counter among the chosen metrics')
    .overrides(catalogueOverrides('chart'))
    .span(24)
    .height(7)
}

const windowFields = ['count', 'mean', 'min', 'max', 'p95', 'last', 'rev', 'amended', 'duplicate', 'parts', 'agent']

function windows() {
  const fields = Object.fromEntries(windowFields.map((name) => [name, `"${name}"`]))
  const query = select({ fields: { metric: '"metric"', ...fields }, from: tables.minutes, where: metricChosen })
  return list(
    'Newest stored windows',
    'The newest 200 windows of the chosen metrics as they are stored. A `rev` above 0 tells how often a window was corrected, `parts` how many agents saw it.',
  )
    .withTarget(new InfluxQl(`${query} ORDER BY time DESC LIMIT 200`).asTable())
    .unit('short')
    .decimals(3)
    .overrides([override('byRegexp', '/^(count|rev|amended|duplicate|parts)$/', { decimals: 0 })])
    .span(24)
    .height(10)
}

/** One device of one site: its metrics over time with the live edge, and how well its data arrives. */
export function device(): dashboard.Dashboard {
  const page = startPage('device', {
    title: 'device',
    description: 'Minutes with the live edge, hours and days of one device, and how well its data arrives.',
    from: 'now-1h',
    refresh: '1s',
    variables: [sourceVariable(), oneSite(), oneDevice(), metrics()],
  })
    .annotation(missingMarks())
    .annotation(amendedMarks())
    .annotation(alertMarks())
    .annotation(activeAlertMarks())
  return withSections(page, [
    { panels: [newestValues(), newestStored(), complete()] },
    { title: '$metric', repeat: 'metric', panels: [minutes(), hours(), days()] },
    { title: 'How the data arrives', panels: [messages(), lateAndDouble(), growth()] },
    { title: 'Window by window', panels: [windows()] },
  ])
}
