import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { chosen, source } from './influxql.ts'
import { counts, historyAndLive, hours, lateAndDouble, newestTime, newestValues } from './panels.ts'

/** Grafana 9.4 knows this version of the dashboard format, and later ones migrate from it by themselves. */
const schemaVersion = 37

interface Choice {
  name: string
  label: string
  description: string
  where: string
}

function choice({ name, label, description, where }: Choice): dashboard.QueryVariableBuilder {
  const condition = where === '' ? '' : ` WHERE ${where}`
  return new dashboard.QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource(source)
    .query(`SHOW TAG VALUES FROM "minute"."summary_1m" WITH KEY = "${name}"${condition}`)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc)
}

/** One device of one site: its metrics over time with the live edge, and how well its data arrives. */
export function buildDashboard(): dashboard.Dashboard {
  const built = new dashboard.DashboardBuilder('Millrace: device')
    .uid('millrace-device')
    .description('History and live minutes of one device, from the InfluxDB database that the ingest writes.')
    .tags(['millrace'])
    .timezone('browser')
    .time({ from: 'now-6h', to: 'now' })
    .refresh('10s')
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .withVariable(
      new dashboard.DatasourceVariableBuilder('source')
        .label('Data source')
        .description('An InfluxDB with the database telemetry.')
        .type('influxdb'),
    )
    .withVariable(choice({ name: 'site', label: 'Site', description: 'Where the device stands.', where: '' }))
    .withVariable(
      choice({ name: 'device', label: 'Device', description: 'A device of the site.', where: chosen('site') }),
    )
    .withVariable(
      choice({
        name: 'metric',
        label: 'Metric',
        description: 'One panel for each metric chosen.',
        where: `${chosen('site')} AND ${chosen('device')}`,
      })
        .multi(true)
        .includeAll(true)
        .current({ selected: true, text: ['All'], value: ['$__all'] }),
    )
    .withPanel(newestValues())
    .withPanel(newestTime())
    .withPanel(historyAndLive())
    .withRow(new dashboard.RowBuilder('How the data arrives'))
    .withPanel(counts())
    .withPanel(lateAndDouble())
    .withRow(new dashboard.RowBuilder('Beyond 90 days'))
    .withPanel(hours())
    .build()
  const panels = built.panels?.map((panel, index) => ({ ...panel, id: index + 1 }))
  return { ...built, ...(panels && { panels }), schemaVersion }
}

export function dashboardJson(): string {
  // Without an id of its own Grafana finds the dashboard by its uid alone.
  return `${JSON.stringify({ ...buildDashboard(), id: null }, undefined, 2)}\n`
}
