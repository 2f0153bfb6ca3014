import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Influxd, startInfluxd } from '../testing/influxd.ts'
import { buildDashboard } from './dashboard.ts'
import type { Target } from './influxql.ts'

interface Answer {
  results: {
    error?: string
    series?: { name: string; tags?: Record<string, string>; columns: string[]; values: (number | null)[][] }[]
  }[]
}

const minute = 60_000
const now = Math.floor(Date.now() / minute) * minute
let influxd: Influxd

async function post(path: string, body: string): Promise<string> {
  const response = await fetch(`${influxd.url}${path}`, { method: 'POST', body })
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status}: ${text}`)
  return text
}

async function query(q: string): Promise<Answer['results'][number]> {
  const text = await post(`/query?db=telemetry&epoch=ms&q=${encodeURIComponent(q)}`, '')
  const [result] = (JSON.parse(text) as Answer).results
  if (!result) throw new Error(text)
  return result
}

/** What Grafana puts in place of its variables and macros for one device, one metric and the last six hours. */
function expand(text: string): string {
  const values: Record<string, string> = { site: 'oslo', device: 'hall\\.1', metric: 'temperature' }
  return text
    .replace(/\$\{(\w+):regex\}/g, (_, name: string) => values[name] ?? '')
    .replaceAll('$timeFilter', `time >= ${now - 6 * 60 * minute}ms and time <= ${now + minute}ms`)
    .replaceAll('$__interval', '1m')
}

const fields = (mean: number, count: number) =>
  `agent="edge",amended=0i,count=${count}i,duplicate=1i,first=1,firstTs=1i,last=${mean},lastTs=${now}i,lengthMs=60000i,max=${mean + 2},` +
  `mean=${mean},min=${mean - 2},p50=${mean},p95=${mean + 1},p99=${mean + 2},parts=1i,rev=0i,sketch="",spool="s",stddev=1,` +
  `sum=${mean * count},unit="°C",unstamped=0i`

beforeAll(async () => {
  influxd = await startInfluxd()
  await query('CREATE DATABASE telemetry')
  for (const [name, duration] of [
    ['live', '1d'],
    ['minute', '90d'],
    ['history', 'INF'],
  ]) {
    await query(
      `CREATE RETENTION POLICY "${name}" ON "telemetry" DURATION ${duration} REPLICATION 1${name === 'minute' ? ' DEFAULT' : ''}`,
    )
  }
  const tags = 'device=hall.1,metric=temperature,site=oslo'
  const minutes = Array.from(
    { length: 30 },
    (_, index) => `summary_1m,${tags} ${fields(20 + index, 60)} ${now - (30 - index) * minute}`,
  )
  const other = [
    `summary_1m,device=hall.1,metric=humidity,site=oslo ${fields(50, 60)} ${now - minute}`,
    `summary_1m,device=hallx1,metric=temperature,site=oslo ${fields(90, 60)} ${now - minute}`,
  ]
  const completeness = `completeness_1m,device=hall.1,site=oslo boots="[]",lengthMs=60000i,messages=60i,rev=0i ${now - minute}`
  await post('/write?db=telemetry&rp=minute&precision=ms', [...minutes, ...other, completeness].join('\n'))
  await post(
    '/write?db=telemetry&rp=history&precision=ms',
    `summary_1h,${tags} ${fields(20, 3600)} ${now - 60 * minute}`,
  )
  await post('/write?db=telemetry&rp=live&precision=ms', `reading,${tags} value=21.5 ${Date.now() - 5_000}`)
})

afterAll(async () => await influxd?.stop())

const dashboard = buildDashboard()
const targets = (dashboard.panels ?? []).flatMap((panel) =>
  'targets' in panel
    ? ((panel.targets ?? []) as Target[]).map((target) => ({ title: `${panel.title} ${target.refId}`, target }))
    : [],
)

describe('a real InfluxDB answers every panel', () => {
  test.each(targets)('$title', async ({ target }) => {
    const { error, series } = await query(expand(target.query))
    expect(error).toBeUndefined()
    const values = (series ?? []).flatMap((one) => one.values)
    expect(values.some((row) => row.slice(1).every((value) => value !== null))).toBe(true)
    expect(series?.every(({ tags }) => tags?.metric === undefined || tags.metric === 'temperature')).toBe(true)
  })
})

test('the mean over an interval is the mean of its readings, not of its windows', async () => {
  const extra = `summary_1m,device=hall.1,metric=temperature,site=oslo ${fields(100, 1)} ${now - 90 * minute}\nsummary_1m,device=hall.1,metric=temperature,site=oslo ${fields(0, 3)} ${now - 91 * minute}`
  await post('/write?db=telemetry&rp=minute&precision=ms', extra)
  const [first] = targets.filter(({ title }) => title.includes('history'))
  const range = `time >= ${now - 92 * minute}ms and time < ${now - 89 * minute}ms`
  const { series } = await query(
    expand(first?.target.query ?? '')
      .replace(/time >= \S+ and time <= \S+/, range)
      .replace('time(1m)', 'time(1d)'),
  )
  const row = series?.[0]?.values.find(([, mean]) => mean !== null)
  expect(row?.slice(1, 4)).toEqual([25, -2, 102])
})

test('the lists of sites, devices and metrics have what the summaries have', async () => {
  const json = JSON.parse(JSON.stringify(dashboard)) as { templating: { list: { name: string; query: string }[] } }
  const values = async (name: string) => {
    const text = json.templating.list.find((variable) => variable.name === name)?.query ?? ''
    return (await query(expand(text))).series?.flatMap((one) => one.values.map(([, value]) => value))
  }
  expect(await values('site')).toEqual(['oslo'])
  expect(await values('device')).toEqual(['hall.1', 'hallx1'])
  expect(await values('metric')).toEqual(['humidity', 'temperature'])
})
