import * as common from '@grafana/grafana-foundation-sdk/common'
import * as stat from '@grafana/grafana-foundation-sdk/stat'
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries'
import { InfluxQl, source } from './influxql.ts'
import { bandOverrides, lookOverrides, unitOverrides } from './units.ts'

const colour = (fixedColor: string) => ({ mode: 'fixed', fixedColor })

const looks = {
  mean: { color: colour('#2a9d8f'), 'custom.lineWidth': 2 },
  min: {
    color: colour('#2a9d8f'),
    'custom.lineWidth': 0,
    'custom.hideFrom': { legend: true, tooltip: false, viz: false },
  },
  max: {
    color: colour('#2a9d8f'),
    'custom.fillOpacity': 18,
    'custom.lineWidth': 0,
    'custom.hideFrom': { legend: true, tooltip: false, viz: false },
  },
  p95: { color: colour('#8d7bd0'), 'custom.lineWidth': 1 },
  live: {
    color: colour('#e9a93a'),
    'custom.drawStyle': 'points',
    'custom.pointSize': 4,
    'custom.showPoints': 'always',
  },
}

/** Weighted by the readings of each window, so that any interval gives the mean of its readings. */
const summaryFields = {
  mean: 'sum("sum") / sum("count")',
  min: 'min("min")',
  max: 'max("max")',
  p95: 'max("p95")',
}

function chart(title: string, description: string): timeseries.PanelBuilder {
  return new timeseries.PanelBuilder()
    .title(title)
    .description(description)
    .datasource(source)
    .lineInterpolation(common.LineInterpolation.StepAfter)
    .showPoints(common.VisibilityMode.Never)
    .fillOpacity(0)
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi))
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true),
    )
}

function history(policy: string, measurement: string): InfluxQl {
  return new InfluxQl(summaryFields)
    .from(policy, measurement)
    .chosen('site', 'device', 'metric')
    .perInterval()
    .groupBy('metric')
    .alias('$tag_metric $col')
}

/** Readings of the last minutes: those of windows that are not closed yet lie behind the last summary. */
const live = () =>
  new InfluxQl({ live: '"value"' })
    .from('live', 'reading')
    .chosen('site', 'device', 'metric')
    .where('time >= now() - 5m')
    .groupBy('metric')
    .alias('$tag_metric $col')
    .refId('B')

export function historyAndLive(): timeseries.PanelBuilder {
  return chart(
    '$metric: history and live minutes',
    'Stored one-minute windows: mean, the band from lowest to highest reading, and the highest p95 of the windows in an interval. The dots are the live readings of the last five minutes, which also lie in windows that are still open and not stored yet.',
  )
    .withTarget(history('minute', 'summary_1m'))
    .withTarget(live())
    .interval('1m')
    .overrides([...lookOverrides(looks), ...unitOverrides(), ...bandOverrides()])
    .repeat('metric')
    .repeatDirection('h')
    .maxPerRow(2)
    .span(12)
    .height(9)
}

export function hours(): timeseries.PanelBuilder {
  return chart(
    '$metric: hours',
    'Hours merged from the minutes the agents sent: kept without end, for ranges beyond the 90 days of the minutes.',
  )
    .withTarget(history('history', 'summary_1h'))
    .interval('1h')
    .overrides([...lookOverrides(looks), ...unitOverrides(), ...bandOverrides()])
    .repeat('metric')
    .repeatDirection('h')
    .maxPerRow(2)
    .span(12)
    .height(8)
}

function number(title: string, description: string): stat.PanelBuilder {
  return new stat.PanelBuilder()
    .title(title)
    .description(description)
    .datasource(source)
    .graphMode(common.BigValueGraphMode.None)
    .colorMode(common.BigValueColorMode.None)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .height(5)
}

export function newestValues(): stat.PanelBuilder {
  return number('Newest values', 'The last reading in the newest closed window of each metric.')
    .withTarget(
      new InfluxQl({ last: 'last("last")' })
        .from('minute', 'summary_1m')
        .chosen('site', 'device', 'metric')
        .groupBy('metric')
        .alias('$tag_metric'),
    )
    .overrides(unitOverrides())
    .textMode(common.BigValueTextMode.ValueAndName)
    .span(18)
}

export function newestTime(): stat.PanelBuilder {
  return number('Newest stored reading', 'Event time of the newest reading in a closed window of this device.')
    .withTarget(
      new InfluxQl({ newest: 'max("lastTs")' }).from('minute', 'summary_1m').chosen('site', 'device').alias('newest'),
    )
    .unit('dateTimeFromNow')
    .span(6)
}

export function counts(): timeseries.PanelBuilder {
  return chart(
    'Readings and messages per minute',
    'Readings counted in windows, and device messages that arrived, set-aside ones included. Both fall when a device goes silent.',
  )
    .withTarget(
      new InfluxQl({ readings: 'sum("count")' })
        .from('minute', 'summary_1m')
        .chosen('site', 'device')
        .perInterval()
        .alias('readings'),
    )
    .withTarget(
      new InfluxQl({ messages: 'sum("messages")' })
        .from('minute', 'completeness_1m')
        .chosen('site', 'device')
        .perInterval()
        .alias('messages')
        .refId('B'),
    )
    .interval('1m')
    .unit('short')
    .min(0)
    .span(12)
    .height(8)
}

export function lateAndDouble(): timeseries.PanelBuilder {
  const fields = { amended: 'sum("amended")', duplicate: 'sum("duplicate")', unstamped: 'sum("unstamped")' }
  return chart(
    'Late, repeated and unstamped readings',
    'Amended: arrived after their window had closed and were counted in it. Duplicate: sent again, recognised, counted once. Unstamped: came without a time and carry the time of their arrival.',
  )
    .withTarget(new InfluxQl(fields).from('minute', 'summary_1m').chosen('site', 'device').perInterval().alias('$col'))
    .interval('1m')
    .unit('short')
    .min(0)
    .span(12)
    .height(8)
}
