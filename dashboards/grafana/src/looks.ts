import * as common from '@grafana/grafana-foundation-sdk/common'
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import * as stat from '@grafana/grafana-foundation-sdk/stat'
import * as table from '@grafana/grafana-foundation-sdk/table'
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries'
import { source } from './influxql.ts'
import { type Override, override } from './units.ts'

export const colours = { mean: '#2a9d8f', p95: '#8d7bd0', live: '#e9a93a', bad: '#d64550', good: '#2a9d8f' } as const

const fixed = (fixedColor: string) => ({ mode: 'fixed', fixedColor })

/** Dots in one colour that nothing else has: what is not in a stored window yet. */
const live = {
  color: fixed(colours.live),
  'custom.drawStyle': 'points',
  'custom.pointSize': 4,
  'custom.showPoints': 'always',
}

const aside = { legend: true, tooltip: false, viz: false }

const looks = {
  mean: { color: fixed(colours.mean), 'custom.lineWidth': 2 },
  min: { color: fixed(colours.mean), 'custom.lineWidth': 0, 'custom.showPoints': 'never', 'custom.hideFrom': aside },
  max: { color: fixed(colours.mean), 'custom.lineWidth': 0, 'custom.fillOpacity': 18, 'custom.hideFrom': aside },
  p95: { color: fixed(colours.p95), 'custom.lineWidth': 1 },
  live,
}

/** Looks of a summary's series by the last word of their name. */
export const summaryLooks = (): Override[] =>
  Object.entries(looks).map(([name, look]) => override('byRegexp', `/ ${name}$/`, look))

export const liveLook = (): Override => override('byRegexp', '/ live$/', live)

export const inColour = (name: string, colour: string): Override => override('byName', name, { color: fixed(colour) })

export function chart(title: string, description: string): timeseries.PanelBuilder {
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

/** Amounts in each interval, as bars on top of each other. */
export function bars(title: string, description: string): timeseries.PanelBuilder {
  return chart(title, description)
    .drawStyle(common.GraphDrawStyle.Bars)
    .lineWidth(0)
    .fillOpacity(70)
    .min(0)
    .stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group('A'))
}

export function number(title: string, description: string): stat.PanelBuilder {
  return new stat.PanelBuilder()
    .title(title)
    .description(description)
    .datasource(source)
    .graphMode(common.BigValueGraphMode.None)
    .colorMode(common.BigValueColorMode.Value)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .thresholds(steps([['text', null]]))
    .unit('short')
}

/** A table of what the query gives, without its column of time. */
export function list(title: string, description: string): table.PanelBuilder {
  return new table.PanelBuilder()
    .title(title)
    .description(description)
    .datasource(source)
    .cellHeight(common.TableCellHeight.Sm)
}

/** The order of tag columns differs from answer to answer, so it is fixed here. */
export function columns(...order: string[]): dashboard.DataTransformerConfig {
  const indexByName = Object.fromEntries(order.map((name, index) => [name, index]))
  return { id: 'organize', options: { excludeByName: { Time: true }, indexByName, renameByName: {} } }
}

type Step = readonly [colour: string, from: number | null]

/** Colours by value, each from its number upwards; the first has none. */
export function steps(list: readonly Step[]): dashboard.ThresholdsConfigBuilder {
  return new dashboard.ThresholdsConfigBuilder()
    .mode(dashboard.ThresholdsMode.Absolute)
    .steps(list.map(([color, value]) => ({ color, value })))
}

/** Anything but zero is wrong. */
export const zeroOrWrong = () =>
  steps([
    [colours.bad, null],
    [colours.good, 0],
    [colours.bad, 1],
  ])

export const completenessSteps = [
  [colours.bad, null],
  ['#e07a3f', 90],
  ['#e9c46a', 99],
  [colours.good, 99.995],
] as const satisfies readonly Step[]
