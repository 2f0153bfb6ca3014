/**
 * Draws every panel from a database as one HTML page for each dashboard, roughly as Grafana would: for reviews where no
 * Grafana is at hand.  node dashboards/grafana/testing/review.ts http://127.0.0.1:8086 FOLDER [site device]
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type DashboardFile, dashboards } from '../src/dashboards.ts'
import { durationMs, expand, intervalText, jsonOf, type PanelJson } from './expand.ts'
import { queryInflux, type Series } from './influxql.ts'

const [url = '', folder = '.', site = 'harbour-works', device = 'press-1'] = process.argv.slice(2)
const toMs = Date.now()
const all = '$__all'
const everywhere = { source: 'review', site: all, device: all, metric: 'temperature', silence: '300', rule: all }

interface Drawn extends PanelJson {
  fromMs: number
  toMs: number
  answers: { alias: string; series: Series[] }[]
}

function nameOf(alias: string, { name, tags = {} }: Series, column: string): string {
  const named = alias.replace(/\$tag_(\w+)/g, (_, tag: string) => tags[tag] ?? '').replace('$col', column)
  return named === '' ? `${name} ${column}` : named
}

async function draw(file: DashboardFile, panel: PanelJson, metric: string): Promise<Drawn> {
  const page = jsonOf(file)
  const { time } = JSON.parse(file.json) as { time: { from: string } }
  const spanMs = durationMs(panel.timeFrom ?? time.from.replace('now-', ''))
  const own = file.page === 'device' ? { site, device, metric } : file.page === 'alerts' ? { metric: all } : {}
  const choices = { ...everywhere, ...own }
  const view = { choices, fromMs: toMs - spanMs, toMs, interval: intervalText(panel, spanMs) }
  const answers = await Promise.all(
    (panel.targets ?? []).map(async (target) => {
      const { alias = '' } = target as { alias?: string }
      const series = await queryInflux(url, expand(target.query, page, view))
      const names = series.map((one) => ({ ...one, names: one.columns.map((column) => nameOf(alias, one, column)) }))
      return { alias, series: names }
    }),
  )
  const title = panel.title.replaceAll('$metric', metric === all ? 'temperature' : metric)
  return { ...panel, ...view, title, answers }
}

const read = async (path: string) => await readFile(join(import.meta.dirname, path), 'utf8')
const uplot = '../../../node_modules/uplot/dist/'
const head = `<meta charset="utf-8"><style>${await read(`${uplot}uPlot.min.css`)}</style><style>${await read('review.css')}</style>`
const scripts = `<script>${await read(`${uplot}uPlot.iife.min.js`)}</script><script>${await read('review-page.js')}</script>`

for (const file of dashboards()) {
  const repeated = file.page === 'device' ? 'power' : 'temperature'
  const inRow = (panel: PanelJson) => panel.title.includes('$metric')
  const panels = await Promise.all(
    jsonOf(file).panels.map((panel) => draw(file, panel, file.page === 'device' && !inRow(panel) ? all : repeated)),
  )
  const data = JSON.stringify(panels).replaceAll('<', '\\u003c')
  await writeFile(
    join(folder, `${file.page}.html`),
    `<!doctype html>${head}<body>${scripts}<script>drawAll(${data})</script>`,
  )
}
