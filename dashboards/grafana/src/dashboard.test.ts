import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sensorCatalogue } from '@millrace/contracts'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { buildDashboard, dashboardJson } from './dashboard.ts'
import { variable } from './influxql.ts'
import { unitName } from './units.ts'

const folder = join(import.meta.dirname, '..')
const dashboard = buildDashboard()
const panels = (dashboard.panels ?? []).filter((panel) => panel.type !== 'row')

test('the committed dashboard is what the code makes (node dashboards/grafana/src/main.ts)', async () => {
  expect(await readFile(join(folder, 'dashboards/device.json'), 'utf8')).toBe(dashboardJson())
})

test('its identity is stable: a uid, no id, panels numbered, a format every Grafana from 9.4 reads', () => {
  const json = JSON.parse(dashboardJson())
  expect(json).toMatchObject({ uid: 'millrace-device', id: null, schemaVersion: 37 })
  expect(json.panels.map(({ id }: { id: number }) => id)).toEqual(
    json.panels.map((_: unknown, index: number) => index + 1),
  )
})

test('every panel says what it shows, and draws from the chosen data source by queries', () => {
  for (const panel of panels) {
    if (!('targets' in panel)) throw new Error('a panel without queries')
    expect(panel.description?.length, panel.title).toBeGreaterThan(40)
    expect(panel.datasource?.uid).toBe(variable('source'))
    for (const target of panel.targets ?? [])
      expect(target).toMatchObject({ rawQuery: true, datasource: { uid: variable('source') } })
  }
})

test('one panel shows history and live minutes together', () => {
  const queries = panels.map((panel) => ('targets' in panel ? JSON.stringify(panel.targets) : ''))
  expect(queries.some((text) => text.includes('summary_1m') && text.includes('\\"live\\".\\"reading\\"'))).toBe(true)
})

test('site, device and metric can be chosen, each list narrowed by the one before', () => {
  const json = JSON.parse(dashboardJson())
  const variables = json.templating.list as { name: string; query: string }[]
  expect(variables.map(({ name }) => name)).toEqual(['source', 'site', 'device', 'metric'])
  expect(variables[2]?.query).toContain(variable('site:regex'))
  expect(variables[3]?.query).toContain(variable('device:regex'))
})

test('every metric of the catalogue has its unit in every panel that shows values of metrics', () => {
  const text = dashboardJson()
  for (const { unit } of sensorCatalogue) expect(text).toContain(`"value": "${unitName(unit)}"`)
})

test('provisioning names the database of the ingest and a folder that compose mounts', async () => {
  const read = async (path: string) => parse(await readFile(join(folder, 'provisioning', path), 'utf8'))
  const sources = await read('datasources/influxdb.yaml')
  expect(sources.datasources[0]).toMatchObject({
    uid: 'millrace-influxdb',
    type: 'influxdb',
    jsonData: { dbName: 'telemetry' },
  })
  const { providers } = await read('dashboards/millrace.yaml')
  expect(providers[0]).toMatchObject({
    type: 'file',
    allowUiUpdates: false,
    options: { path: '/etc/grafana/dashboards' },
  })
  expect(await readdir(join(folder, 'dashboards'))).toEqual(['device.json'])
})
