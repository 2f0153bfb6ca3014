import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { dashboards } from './dashboards.ts'
import { uids } from './links.ts'

const root = join(import.meta.dirname, '../../..')
const readYaml = async (path: string) => parse(await readFile(join(root, path), 'utf8'))

/** The keys that the documentation of Grafana 9.4 and of 11 both have; a key of one alone would be ignored by the other. */
const sourcesFile = z.strictObject({
  apiVersion: z.literal(1),
  datasources: z.array(
    z.strictObject({
      name: z.string(),
      uid: z.string().regex(/^[\w-]{1,40}$/),
      type: z.literal('influxdb'),
      access: z.literal('proxy'),
      url: z.string(),
      user: z.string(),
      database: z.string(),
      isDefault: z.boolean(),
      editable: z.boolean(),
      jsonData: z.strictObject({ dbName: z.string(), httpMode: z.literal('GET'), timeInterval: z.string() }),
      secureJsonData: z.strictObject({ password: z.string() }),
    }),
  ),
})

const providersFile = z.strictObject({
  apiVersion: z.literal(1),
  providers: z.array(
    z.strictObject({
      name: z.string(),
      orgId: z.literal(1),
      folder: z.string(),
      folderUid: z.string().regex(/^[\w-]{1,40}$/),
      type: z.literal('file'),
      disableDeletion: z.boolean(),
      updateIntervalSeconds: z.int().min(1),
      allowUiUpdates: z.boolean(),
      options: z.strictObject({ path: z.string() }),
    }),
  ),
})

describe('the provisioning', () => {
  test('of the data source: the database of the ingest, under both names that versions give it', async () => {
    const file = sourcesFile.parse(await readYaml('dashboards/grafana/provisioning/datasources/influxdb.yaml'))
    expect(file.datasources).toHaveLength(1)
    const [source] = file.datasources
    expect(source).toMatchObject({ uid: 'millrace-influxdb', isDefault: true, database: 'telemetry' })
    expect(source?.jsonData.dbName).toBe(source?.database)
    expect(source?.secureJsonData.password).toMatch(/^\$__file\{.+\}$/)
  })

  test('of the dashboards: one folder, from files that nobody changes in the browser', async () => {
    const file = providersFile.parse(await readYaml('dashboards/grafana/provisioning/dashboards/millrace.yaml'))
    expect(file.providers).toMatchObject([{ folder: 'Millrace', folderUid: 'millrace', allowUiUpdates: false }])
  })
})

test('there is a folder of every kind that Grafana 9.4 looks for: it complains of each that is missing', () => {
  for (const kind of ['datasources', 'dashboards', 'alerting', 'plugins', 'notifiers'])
    expect(existsSync(join(root, 'dashboards/grafana/provisioning', kind)), kind).toBe(true)
})

/** What Grafana makes of a title for addresses; up to 10 it takes no page whose one is that of any folder. */
const slugOf = (title: string) => title.toLowerCase().replace(/[^a-z0-9]+/g, '-')

test('no page has the name of a folder, as far as Grafana tells them apart', async () => {
  const alerting = (await readYaml('dashboards/grafana/provisioning/alerting/millrace-rules.yaml')) as {
    groups: { folder: string }[]
  }
  const pages = providersFile.parse(await readYaml('dashboards/grafana/provisioning/dashboards/millrace.yaml'))
  const folders = [...alerting.groups, ...pages.providers].map(({ folder }) => slugOf(folder))
  expect(new Set(folders).size).toBe(folders.length)
  for (const { json } of dashboards()) expect(folders).not.toContain(slugOf(JSON.parse(json).title))
})

test('the compose file mounts what the provisioning names, opens a page that exists, and lets it refresh each second', async () => {
  const { grafana } = (await readYaml('docker-compose.yml')).services
  const { providers } = providersFile.parse(await readYaml('dashboards/grafana/provisioning/dashboards/millrace.yaml'))
  const mounts = grafana.volumes as string[]
  expect(mounts).toContain('./dashboards/grafana/provisioning:/etc/grafana/provisioning:ro')
  expect(mounts).toContain(`./dashboards/grafana/dashboards:${providers[0]?.options.path}:ro`)
  expect(grafana.environment.GF_DASHBOARDS_MIN_REFRESH_INTERVAL).toBe('1s')
  const home = String(grafana.environment.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH)
  expect(home.startsWith(`${providers[0]?.options.path}/`)).toBe(true)
  const file = home.split('/').at(-1)!
  expect(existsSync(join(root, 'dashboards/grafana/dashboards', file))).toBe(true)
  expect(Object.keys(uids)).toContain(file.replace('.json', ''))
})
