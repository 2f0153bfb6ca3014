import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RunningStack, temporaryFolder } from '../../../e2e/stack.ts'
import { until } from '../../../packages/pipeline/testing/index.ts'
import { durationMs, expand, intervalText, jsonOf, type PanelJson, type View } from '../testing/expand.ts'
import { findGrafana, type GrafanaServer, startGrafana } from '../testing/grafana-server.ts'
import { type Influxd, startInfluxd } from '../testing/influxd.ts'
import { numbersOf, queryInflux, type Series } from '../testing/influxql.ts'
import { dashboards } from './dashboards.ts'
import { stages } from './stages.ts'

const place = findGrafana(process.env)
if (!place)
  console.info('There is no Grafana here (GRAFANA_BIN, with GRAFANA_HOME): the provisioning is not tried in it.')

const minuteMs = 60_000
const source = 'millrace-influxdb'
const files = dashboards()
const pages = files.map((file) => ({ ...file, parsed: jsonOf(file), from: JSON.parse(file.json).time.from as string }))
const choices = {
  ...{ source, site: '$__all', device: '$__all', metric: 'temperature', silence: '300', rule: '$__all' },
}
const pressOne = { ...choices, site: 'harbour-works', device: 'press-1', metric: '$__all' }

interface Notice {
  status: 'firing' | 'resolved'
  alerts: { status: string; labels: Record<string, string>; annotations: Record<string, string> }[]
}
interface Frame {
  schema: { fields: { type: string }[] }
  data: { values: (number | string | null)[][] }
}
type Answer = { results: Record<string, { error?: string; frames?: Frame[] }> }

let influxd: Influxd
let stack: RunningStack
let grafana: GrafanaServer
let webhook: Server
let toMs: number
const notices: Notice[] = []

async function startWebhook(): Promise<string> {
  webhook = createServer((request, response) => {
    let body = ''
    request.on('data', (bytes) => {
      body += bytes
    })
    request.on('end', () => {
      notices.push(JSON.parse(body) as Notice)
      response.end()
    })
  })
  await new Promise<void>((resolve) => {
    webhook.listen(0, '127.0.0.1', resolve)
  })
  return `http://127.0.0.1:${(webhook.address() as AddressInfo).port}`
}

/** Windows of a battery as the ingest stores them, one for each minute back from `newestAgo` minutes ago. */
async function writeBattery(device: string, percent: number, { newestAgo, windows }: Record<string, number>) {
  const newest = Math.floor(Date.now() / minuteMs - newestAgo!) * minuteMs
  const lines = Array.from({ length: windows! }, (_, index) => {
    return `summary_1m,device=${device},metric=battery,site=north-farm mean=${percent} ${newest - index * minuteMs}`
  })
  const url = `${influxd.url}/write?db=telemetry&rp=minute&precision=ms`
  expect((await fetch(url, { method: 'POST', body: lines.join('\n') })).status).toBe(204)
}

const told = (device: string) =>
  notices.flatMap(({ alerts }) => alerts.filter(({ labels }) => labels.device === device))

/** Returns when each rule was evaluated again as often. */
async function evaluations(times: number): Promise<void> {
  for (let done = 0; done < times; done++) {
    const since = Date.now()
    await until(async () => (await lastEvaluationMs()) > since, { withinMs: 60_000, everyMs: 500, label: 'evaluation' })
  }
}

interface RuleGroups {
  data: {
    groups: { name: string; rules: { name: string; health: string; lastError?: string; lastEvaluation: string }[] }[]
  }
}
const rulesOf = async () =>
  (await grafana.ask<RuleGroups>('/api/prometheus/grafana/api/v1/rules')).data.groups.flatMap(({ rules }) => rules)
const lastEvaluationMs = async () =>
  Math.min(...(await rulesOf()).map(({ lastEvaluation }) => Date.parse(lastEvaluation)))

/** Points of stages come every ten seconds, and rates need two. */
async function filled(): Promise<boolean> {
  const [days, points, accounts] = await Promise.all(
    [
      'SELECT count("count") FROM "history"."summary_1d" WHERE "device" = \'press-1\' GROUP BY "metric"',
      'SELECT count(*) FROM "live"."pipeline" GROUP BY "stage"',
      'SELECT count("accepted") FROM "live"."accounts" GROUP BY "site"',
    ].map((query) => queryInflux(influxd.url, query)),
  )
  const counted = [...points!, ...accounts!].map((series) => Math.max(...numbersOf([series])))
  return days!.length === 4 && points!.length >= stages.length && accounts!.length >= 3 && Math.min(...counted) >= 3
}

beforeAll(async () => {
  if (!place) return
  influxd = await startInfluxd()
  stack = await RunningStack.start(temporaryFolder(), '--history', '1h', '--influx', influxd.url)
  await until(() => filled(), { withinMs: 240_000, everyMs: 1000, label: 'days and reports' })
  const environment = { MILLRACE_INFLUXDB_URL: influxd.url, MILLRACE_ALERT_WEBHOOK: await startWebhook() }
  grafana = await startGrafana(place, environment)
  toMs = Date.now()
})

afterAll(async () => {
  await grafana?.stop()
  webhook?.close()
  await stack?.remove()
  await influxd?.stop()
})

/** No alert has come up, or nothing is wrong. */
const mayBeEmpty = (page: string, { title }: PanelJson) => page === 'alerts' || /^Silent|^Late|amended/i.test(title)

const targets = pages.flatMap(({ page, parsed, from }) =>
  parsed.panels.flatMap((panel) =>
    (panel.targets ?? []).map((target) => ({
      name: `${page}: ${panel.title} ${target.refId}`,
      page,
      parsed,
      from,
      panel,
      target,
    })),
  ),
)
type Target = (typeof targets)[number]

function viewOf({ page, panel, from }: Target): View & { interval: string } {
  const fromMs = toMs - durationMs(panel.timeFrom ?? from.replace('now-', ''))
  const interval = intervalText(panel, toMs - fromMs)
  return { choices: page === 'device' ? pressOne : choices, fromMs, toMs, interval }
}

/** The variables filled, the macros left to Grafana. */
function withMacros(target: Target): string {
  const kept = target.target.query.replaceAll('$timeFilter', '@time').replaceAll('$__interval', '@interval')
  const expanded = expand(kept, target.parsed, viewOf(target))
  return expanded.replaceAll('@time', '$timeFilter').replaceAll('@interval', '$__interval')
}

describe.skipIf(!place)('a real Grafana', () => {
  test('loads every data source, folder, contact point, policy and rule without a complaint', async () => {
    console.info(`Grafana ${grafana.version}`)
    // A build may lack the frontend and backends of other data sources.
    const complaints = grafana
      .log()
      .split('\n')
      .filter((line) => /level=(error|crit)|failed to/i.test(line) && !/logger=(plugin|settings)/.test(line))
    expect(complaints).toEqual([])
    expect(await grafana.ask(`/api/datasources/uid/${source}`)).toMatchObject({
      isDefault: true,
      database: 'telemetry',
    })
    expect(await grafana.ask(`/api/datasources/uid/${source}/health`)).toMatchObject({ status: 'OK' })
    expect(await grafana.ask('/api/folders/millrace')).toMatchObject({ title: 'Millrace' })
    const contacts = await grafana.ask<{ uid: string }[]>('/api/v1/provisioning/contact-points')
    expect(contacts.map(({ uid }) => uid)).toEqual(expect.arrayContaining(['millrace-webhook', 'millrace-email']))
    expect(await grafana.ask('/api/v1/provisioning/policies')).toMatchObject({ receiver: 'millrace' })
    const rules = await grafana.ask<{ uid: string }[]>('/api/v1/provisioning/alert-rules')
    expect(rules).toHaveLength((await rulesOf()).length)
    expect(rules.map(({ uid }) => uid)).toContain('millrace-battery-low')
  })

  test.each(pages)('shows $page in the folder, as the file is', async ({ page, parsed }) => {
    const { dashboard, meta } = await grafana.ask<{ dashboard: typeof parsed; meta: object }>(
      `/api/dashboards/uid/${parsed.uid}`,
    )
    expect(meta).toMatchObject({ provisioned: true, folderUid: 'millrace', provisionedExternalId: `${page}.json` })
    expect(dashboard).toMatchObject({ panels: parsed.panels, templating: parsed.templating })
  })

  test.each(targets)('answers $name', async (target) => {
    const { panel, page } = target
    const view = viewOf(target)
    const range = { from: String(view.fromMs), to: String(view.toMs) }
    const query = { refId: 'A', datasource: { uid: source }, rawQuery: true, resultFormat: 'time_series' }
    const asked = {
      ...query,
      query: withMacros(target),
      intervalMs: Number.parseInt(view.interval, 10),
      maxDataPoints: 1000,
    }
    const { results } = await grafana.ask<Answer>('/api/ds/query', { ...range, queries: [asked] })
    expect(results.A!.error).toBeUndefined()
    const numbers = (results.A!.frames ?? []).flatMap(({ data }) => data.values.slice(1).flat())
    // As the browser of 9.4 asks: Grafana passes the statement on, with the password of the data source.
    const q = expand(target.target.query, target.parsed, view)
    const passed = `/api/datasources/proxy/uid/${source}/query?${new URLSearchParams({ db: 'telemetry', epoch: 'ms', q })}`
    const answer = await grafana.ask<{ results: { series?: Series[]; error?: string }[] }>(passed)
    expect(answer.results[0]!.error).toBeUndefined()
    if (mayBeEmpty(page, panel)) return
    expect(answer.results[0]!.series?.length).toBeGreaterThan(0)
    expect(numbers.length).toBeGreaterThan(0)
  })

  test('a rule fires to the webhook, a gap neither raises nor clears, a good window resolves', async () => {
    await writeBattery('flat', 0.5, { newestAgo: 40, windows: 30 })
    await writeBattery('too-few', 0.5, { newestAgo: 40, windows: 29 })
    await until(() => told('flat').length > 0, { withinMs: 120_000, label: 'the alert' })
    expect(told('flat')[0]).toMatchObject({
      status: 'firing',
      labels: { alertname: 'battery-low', site: 'north-farm', severity: 'info', rule: 'battery-low' },
      annotations: { summary: 'the battery of flat is at 0.5 %' },
    })
    await evaluations(3)
    expect(told('flat').map(({ status }) => status)).not.toContain('resolved')
    expect(told('too-few')).toEqual([])
    await writeBattery('flat', 60, { newestAgo: 1, windows: 1 })
    await until(() => told('flat').some(({ status }) => status === 'resolved'), {
      withinMs: 120_000,
      label: 'resolved',
    })
    expect(told('too-few')).toEqual([])
    const rules = await rulesOf()
    expect(rules.map(({ health, lastError = '' }) => `${health} ${lastError}`.trim())).toEqual(rules.map(() => 'ok'))
  })
})
