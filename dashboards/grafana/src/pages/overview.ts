import * as common from '@grafana/grafana-foundation-sdk/common'
import type * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { activeAlertMarks, alertMarks, missingMarks } from '../annotations.ts'
import { chosen, InfluxQl, inRange, interval, select, tables, variable } from '../influxql.ts'
import { deviceLink } from '../links.ts'
import { bars, chart, columns, completenessSteps, list, liveLook, number, steps, zeroOrWrong } from '../looks.ts'
import { completePercent, meanOfReadings } from '../measures.ts'
import { startPage, withSections } from '../page.ts'
import { catalogueOverrides } from '../units.ts'
import { devices, oneMetric, sites, sourceVariable } from '../variables.ts'

const devicesChosen = [chosen('site', 'device'), inRange]
const metricChosen = [chosen('site', 'device', 'metric'), inRange]

function reporting() {
  const each = select({
    fields: { readings: 'sum("count")' },
    from: tables.minutes,
    where: devicesChosen,
    by: ['site', 'device'],
  })
  return number(
    'Devices reporting',
    'How many of the chosen devices have a stored window that starts in this time range.',
  )
    .withTarget(
      new InfluxQl({ fields: { devices: 'count("readings")' }, from: `(${each})`, where: [] }).alias('devices'),
    )
    .span(4)
    .height(4)
}

function readings() {
  return number(
    'Readings stored',
    'Distinct readings in the stored windows of this time range; the line is their course.',
  )
    .withTarget(
      new InfluxQl({
        fields: { readings: 'sum("count")' },
        from: tables.minutes,
        where: devicesChosen,
        every: interval,
        fill: 'none',
      }).alias('readings'),
    )
    .interval('1m')
    .graphMode(common.BigValueGraphMode.Area)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['sum']))
    .span(4)
    .height(4)
}

function newestStored() {
  return number('Newest stored reading', 'Event time of the newest reading in any stored window of the chosen devices.')
    .withTarget(
      new InfluxQl({ fields: { newest: 'max("lastTs")' }, from: tables.minutes, where: devicesChosen }).alias('newest'),
    )
    .unit('dateTimeFromNow')
    .span(4)
    .height(4)
}

function complete() {
  return number(
    'Complete',
    'Messages that arrived, of those that the numbers of the devices say were sent. Gaps of whole windows are not in it: the Fleet page shows them.',
  )
    .withTarget(new InfluxQl(completePercent()).alias('complete'))
    .unit('percent')
    .decimals(2)
    .noValue('no numbers')
    .thresholds(steps(completenessSteps))
    .span(4)
    .height(4)
}

function amended() {
  return number('Late, counted', 'Readings that arrived after their window had closed and were counted in it.')
    .withTarget(
      new InfluxQl({ fields: { amended: 'sum("amended")' }, from: tables.minutes, where: devicesChosen }).alias(
        'amended',
      ),
    )
    .noValue('0')
    .span(4)
    .height(4)
}

/** Newest of each site, then the sum of the sites. */
const accountNow = (field: string) => {
  const each = select({
    fields: { newest: `last("${field}")` },
    from: tables.accounts,
    where: [chosen('site'), inRange],
    by: ['site'],
  })
  return new InfluxQl({ fields: { [field]: 'sum("newest")' }, from: `(${each})`, where: [] }).alias(field)
}

function unaccounted() {
  return number(
    'Unaccounted',
    'Readings accepted whose fate nobody knows, over all devices of the chosen sites: 0, or something is wrong. Accounts are kept for a day.',
  )
    .withTarget(accountNow('unaccounted'))
    .noValue('no accounts in this range')
    .thresholds(zeroOrWrong())
    .span(4)
    .height(4)
}

const tag = '$tag_metric $tag_site/$tag_device'

function historyAndLive() {
  const stored = new InfluxQl({
    fields: { mean: meanOfReadings },
    from: tables.minutes,
    where: metricChosen,
    every: interval,
    by: ['site', 'device', 'metric'],
  })
  const edge = new InfluxQl({
    fields: { live: 'last("value")' },
    from: tables.readings,
    where: [...metricChosen, 'time >= now() - 3m'],
    every: '5s',
    by: ['site', 'device', 'metric'],
    fill: 'none',
  })
  return chart(
    '$metric: history and the live edge',
    'Lines: the mean of each stored window, one line for each device. Yellow dots: live readings of the last three minutes, which lie in windows that are not closed, or not stored yet; they count nowhere until they are. Click a line to open its device.',
  )
    .withTarget(stored.alias(tag))
    .withTarget(edge.alias(`${tag} live`).refId('B'))
    .interval('1m')
    .overrides([...catalogueOverrides('chart'), liveLook()])
    .withOverride({
      matcher: { id: 'byRegexp', options: '/.*/' },
      properties: [{ id: 'links', value: [deviceLink('series')] }],
    })
    .span(24)
    .height(12)
}

function throughput() {
  return bars(
    'Readings stored, by site',
    'Distinct readings in the windows of each interval. A step down is a device or a site that fell silent.',
  )
    .withTarget(
      new InfluxQl({
        fields: { readings: 'sum("count")' },
        from: tables.minutes,
        where: devicesChosen,
        every: interval,
        by: ['site'],
      }).alias('$tag_site'),
    )
    .interval('1m')
    .unit('short')
    .span(12)
    .height(8)
}

function completeness() {
  return chart(
    'Complete, by site',
    'Messages that arrived, of those that the numbers of the devices say were sent, in each interval. Devices without numbers are not in it.',
  )
    .withTarget(new InfluxQl(completePercent({ every: interval, by: ['site'] })).alias('$tag_site'))
    .interval('1m')
    .unit('percent')
    .max(100)
    .span(12)
    .height(8)
}

function newestValues() {
  const metric = variable('metric:raw')
  return list(
    '$metric of each device',
    'The last value in the newest stored window, the lowest and highest reading and the number of readings in this time range. Click a row to open its device.',
  )
    .withTarget(
      new InfluxQl({
        fields: {
          [`${metric} last`]: 'last("last")',
          [`${metric} lowest`]: 'min("min")',
          [`${metric} highest`]: 'max("max")',
          readings: 'sum("count")',
        },
        from: tables.minutes,
        where: metricChosen,
        by: ['site', 'device'],
      }).asTable(),
    )
    .withTransformation(columns('site', 'device'))
    .unit('short')
    .overrides(catalogueOverrides('text'))
    .overrideByName('device', [{ id: 'links', value: [deviceLink('row')] }])
    .span(24)
    .height(9)
}

/** One metric across devices, with its live edge, and how complete the data is. */
export function overview(): dashboard.Dashboard {
  const page = startPage('overview', {
    title: 'overview',
    description: 'What is measured now and was before, in one picture, and whether all of it arrived.',
    from: 'now-1h',
    refresh: '1s',
    variables: [sourceVariable(), sites(), devices(), oneMetric()],
  })
    .annotation(missingMarks())
    .annotation(alertMarks())
    .annotation(activeAlertMarks())
  return withSections(page, [
    { panels: [reporting(), readings(), newestStored(), complete(), amended(), unaccounted()] },
    { panels: [historyAndLive(), throughput(), completeness(), newestValues()] },
  ])
}
