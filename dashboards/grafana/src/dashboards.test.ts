import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sensorCatalogue } from '@millrace/contracts'
import { describe, expect, test } from 'vitest'
import { jsonOf, type PanelJson } from '../testing/expand.ts'
import { dashboards } from './dashboards.ts'
import { variable } from './influxql.ts'
import { uids } from './links.ts'
import { stages } from './stages.ts'
import { unitName } from './units.ts'

const folder = join(import.meta.dirname, '..')
const files = dashboards()

/** What is drawn: not the headings of rows. */
const drawn = (panels: readonly PanelJson[]) => panels.filter(({ type }) => type !== 'row')

test('the committed files are what the code makes (node dashboards/grafana/src/main.ts), and no others', async () => {
  for (const { file, json } of files) {
    expect(await readFile(join(folder, 'dashboards', file), 'utf8'), file).toBe(json)
  }
  expect((await readdir(join(folder, 'dashboards'))).sort()).toEqual(files.map(({ file }) => file).sort())
})

test('links name pages that exist, and no two pages share a uid or a title', () => {
  const pages = files.map((file) => JSON.parse(file.json) as { uid: string; title: string })
  expect(pages.map(({ uid }) => uid)).toEqual(Object.values(uids))
  expect(new Set(pages.map(({ title }) => title)).size).toBe(pages.length)
  for (const { json } of files) {
    const targets = [...json.matchAll(/"url": "\/d\/([\w-]+)\//g)].map(([, uid]) => uid)
    expect(targets.length).toBeGreaterThan(2)
    for (const uid of targets) expect(Object.values(uids)).toContain(uid)
  }
})

describe.each(files)('$page', (file) => {
  const json = JSON.parse(file.json)
  const page = jsonOf(file)
  const panels = drawn(page.panels)
  const names = page.templating.list.map(({ name }) => name)

  test('has a stable identity: a uid, no id, panels numbered, a format that Grafana reads from 9.4 on', () => {
    expect(json).toMatchObject({ uid: uids[file.page], id: null, schemaVersion: 37, tags: ['millrace'] })
    expect(page.panels.map(({ id }) => id)).toEqual(page.panels.map((_, index) => index + 1))
  })

  test('every panel says what it shows, in which unit, and draws by queries from the chosen data source', () => {
    for (const panel of panels) {
      const {
        datasource,
        fieldConfig,
        targets = [],
        title,
      } = panel as PanelJson & {
        datasource: unknown
        fieldConfig: { defaults: { unit?: string }; overrides: { properties: { id: string }[] }[] }
      }
      expect(panel.description?.length, title).toBeGreaterThan(10)
      expect(title, `panel ${panel.id}`).not.toBe('')
      const inOverride = fieldConfig.overrides.some(({ properties }) => properties.some(({ id }) => id === 'unit'))
      expect(inOverride || fieldConfig.defaults.unit !== undefined, `${title} has a unit`).toBe(true)
      expect(datasource).toEqual({ type: 'influxdb', uid: variable('source') })
      expect(targets.length, title).toBeGreaterThan(0)
      for (const target of targets) expect(target).toMatchObject({ rawQuery: true, datasource })
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length)
    }
  })

  test('panels lie side by side on the grid of 24, none over another, none under a hole', () => {
    const taken = new Set<string>()
    for (const { title, gridPos } of page.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x}/${y}`), `${title} at ${x}/${y}`).toBe(false)
          taken.add(`${x}/${y}`)
        }
      }
    }
    const height = Math.max(...page.panels.map(({ gridPos }) => gridPos.y + gridPos.h))
    expect(taken.size).toBe(24 * height)
  })

  test('everything that asks does so by the chosen data source, and only variables that are declared are used', () => {
    expect(names[0]).toBe('source')
    expect(new Set(names).size).toBe(names.length)
    for (const { type, datasource } of json.templating.list) {
      if (type === 'query') expect(datasource).toEqual({ type: 'influxdb', uid: variable('source') })
    }
    for (const { datasource, target } of json.annotations?.list ?? []) {
      expect(datasource.uid).toBe(variable('source'))
      expect(target).toMatchObject({ fromAnnotations: true, rawQuery: true })
    }
    const used = [...file.json.matchAll(/\$\{(\w+)(?::\w+)?\}/g)].map(([, name = '']) => name)
    expect(used.filter((name) => !name.startsWith('__') && !names.includes(name))).toEqual([])
    for (const { repeat, title } of page.panels) {
      if (repeat !== undefined) expect(names, title).toContain(repeat)
    }
  })

  test('links keep the time range and the choices that the other page can hold', () => {
    expect(json.links).toHaveLength(files.length - 1)
    for (const { url, keepTime } of json.links as { url: string; keepTime: boolean }[]) {
      expect(keepTime).toBe(true)
      expect(url).toContain(variable('source:queryparam'))
      const target = files.find((other) => url.startsWith(`/d/${uids[other.page]}/`))!
      const theirs = JSON.parse(target.json).templating.list as { name: string; includeAll?: boolean }[]
      for (const { name, includeAll = false } of json.templating.list as typeof theirs) {
        const other = theirs.find((one) => one.name === name)
        const fits = other !== undefined && (!includeAll || other.includeAll === true)
        expect(url.includes(variable(`${name}:queryparam`)), `${url} carries ${name}`).toBe(fits)
      }
    }
  })
})

test('one panel shows history and the live edge, the live part marked, on the pages that refresh each second', () => {
  for (const { page, json } of files.filter(({ json }) => JSON.parse(json).refresh === '1s')) {
    const together = JSON.parse(json).panels.filter((panel: PanelJson) => {
      const queries = JSON.stringify(panel.targets ?? [])
      return queries.includes('^summary_') && queries.includes('\\"live\\".\\"reading\\"')
    })
    expect(together, page).toHaveLength(1)
    expect(JSON.stringify(together)).toContain('/ live$/')
    expect(JSON.parse(json).timepicker.refresh_intervals[0]).toBe('1s')
  }
})

test('each choice narrows the next', () => {
  for (const file of files) {
    const [, ...choices] = jsonOf(file).templating.list.filter(({ query }) => String(query).startsWith('SHOW'))
    for (const { name, query } of choices) {
      expect(query, name).toContain(variable('site:regex'))
      if (name === 'metric') expect(query).toContain(variable('device:regex'))
    }
  }
})

test('every metric of the catalogue has its unit and plausible range wherever values of metrics are shown', () => {
  for (const { page, json } of files.filter((file) => file.page !== 'pipeline' && file.page !== 'alerts')) {
    for (const { unit, max } of sensorCatalogue) {
      expect(json, page).toContain(`"value": "${unitName(unit)}"`)
      expect(json, page).toContain(`"value": ${max}`)
    }
  }
})

test('the pipeline has one row for each stage in flow order, each with all that the stage reports', () => {
  const page = jsonOf(files.find((file) => file.page === 'pipeline')!)
  const rows = page.panels.filter(({ type }) => type === 'row').map(({ title }) => title)
  expect(rows).toEqual(['Accounts', ...stages.map(({ title }) => title)])
  for (const { pattern, facts } of stages) {
    const own = page.panels.filter((panel) => panel.targets?.some(({ query }) => query.includes(`/^${pattern}$/`)))
    expect(own, pattern).toHaveLength(Object.keys(facts).length)
  }
})
