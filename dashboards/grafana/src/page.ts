import type * as cog from '@grafana/grafana-foundation-sdk/cog'
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { type Page, pageLinks, uids } from './links.ts'

/** Grafana 9.4 knows this version of the dashboard format, and later ones migrate from it by themselves. */
const schemaVersion = 37

/** Where data comes each second Grafana may refresh each second: GF_DASHBOARDS_MIN_REFRESH_INTERVAL=1s allows it. */
const refreshIntervals = ['1s', '5s', '10s', '30s', '1m', '5m', '15m', '1h']

export interface PageHead {
  title: string
  description: string
  from: string
  refresh: string
  variables: readonly cog.Builder<dashboard.VariableModel>[]
}

export interface Section {
  /** None for the panels at the top. */
  title?: string
  /** The section stands once for each chosen value of this variable. */
  repeat?: string
  panels: readonly cog.Builder<dashboard.Panel>[]
}

export function startPage(
  page: Page,
  { title, description, from, refresh, variables }: PageHead,
): dashboard.DashboardBuilder {
  const builder = new dashboard.DashboardBuilder(`Millrace: ${title}`)
    .uid(uids[page])
    .description(description)
    .tags(['millrace'])
    .timezone('browser')
    .time({ from, to: 'now' })
    .refresh(refresh)
    .timepicker(new dashboard.TimePickerBuilder().refreshIntervals(refreshIntervals))
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
  for (const variable of variables) builder.withVariable(variable)
  for (const link of pageLinks(page)) builder.link(link)
  return builder
}

export function withSections(builder: dashboard.DashboardBuilder, sections: readonly Section[]): dashboard.Dashboard {
  for (const { title, repeat, panels } of sections) {
    if (title !== undefined) {
      const row = new dashboard.RowBuilder(title)
      builder.withRow(repeat === undefined ? row : row.repeat(repeat))
    }
    for (const panel of panels) builder.withPanel(panel)
  }
  const built = builder.build()
  const panels = built.panels?.map((panel, index) => ({ ...panel, id: index + 1 }))
  const annotations = { list: built.annotations?.list ?? [] }
  return { ...built, annotations, ...(panels && { panels }), schemaVersion }
}

const ofOtherVersions = new Set(['allowCustomValue', 'auto', 'auto_min', 'auto_count'])

/** Leaves out what the SDK adds of itself, unknown to Grafana 9.4 and 11; later ones would hide links in a menu. */
function known(key: string, value: unknown): unknown {
  return ofOtherVersions.has(key) || value === 'inControlsMenu' ? undefined : value
}

export function toJson(page: dashboard.Dashboard): string {
  // Without an id of its own Grafana finds the dashboard by its uid alone.
  return `${JSON.stringify({ ...page, id: null }, known, 2)}\n`
}
