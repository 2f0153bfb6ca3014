import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { toAlertPoint } from '../../../cloud-ingest/src/store/influxdb-alerts.ts'
import { createClient } from '../../../cloud-ingest/src/store/influxdb-client.ts'
import { alertOf } from '../../../cloud-ingest/src/testing/alerts.ts'
import { RunningStack, temporaryFolder } from '../../../e2e/stack.ts'
import { until } from '../../../packages/pipeline/testing/index.ts'
import { compileRules, grafanaFiles } from '../../../packages/rules/src/index.ts'
import { durationMs, expand, intervalText, jsonOf, type PanelJson, type View } from '../testing/expand.ts'
import { type Influxd, startInfluxd } from '../testing/influxd.ts'
import { numbersOf, queryInflux, type Series } from '../testing/influxql.ts'
import { dashboards } from './dashboards.ts'
import type { Page } from './links.ts'
import { stages } from './stages.ts'

const hourMs = 3_600_000
const files = dashboards()
const pages = Object.fromEntries(files.map((file) => [file.page, jsonOf(file)])) as Record<
  Page,
  ReturnType<typeof jsonOf>
>

/** Two devices of the fleet that `up` starts: one with a counter, at a site of its own. */
const everywhere = {
  source: 'millrace-influxdb',
  site: '$__all',
  device: '$__all',
  metric: 'temperature',
  silence: '300',
  rule: '$__all',
}
const choices: Record<Page, Record<string, string>> = {
  overview: everywhere,
  fleet: everywhere,
  alerts: { ...everywhere, metric: '$__all' },
  pipeline: everywhere,
  device: { ...everywhere, site: 'harbour-works', device: 'press-1', metric: '$__all' },
}

let influxd: Influxd
let stack: RunningStack
let toMs: number

const ask = async (statement: string) => await queryInflux(influxd.url, statement)

/** The range that a page shows first, ending when everything was there. */
function viewOf(page: Page, panel: Partial<PanelJson> = {}): View & { interval: string } {
  const json = JSON.parse(files.find((file) => file.page === page)!.json) as { time: { from: string } }
  const spanMs = durationMs(panel.timeFrom ?? json.time.from.replace('now-', ''))
  return { choices: choices[page], fromMs: toMs - spanMs, toMs, interval: intervalText(panel, spanMs) }
}

async function askPanel(page: Page, panel: PanelJson, query: string): Promise<Series[]> {
  return await ask(expand(query, pages[page], viewOf(page, panel)))
}

async function askTitled(page: Page, title: string): Promise<Series[][]> {
  const panel = pages[page].panels.find((one) => one.title === title)
  if (!panel) throw new Error(`${page} has no panel ${title}`)
  return await Promise.all((panel.targets ?? []).map(({ query }) => askPanel(page, panel, query)))
}

/**
 * One late reading into a window that is stored. Those of the history may all meet windows that have not left the agent
 * yet, of which none is amended then.
 */
async function amendOne(): Promise<void> {
  const press = '"site" = \'harbour-works\' AND "device" = \'press-1\' AND "metric" = \'power\''
  const stored = async () => {
    const at = Date.now() - hourMs
    const range = `time > ${at}ms AND time < ${at + hourMs / 2}ms`
    const [first] = await ask(`SELECT "count" FROM "minute"."summary_1m" WHERE ${press} AND ${range} LIMIT 1`)
    return first?.values[0]?.[0]
  }
  // Before its first row the ingest has not made the database.
  const options = { withinMs: 60_000, everyMs: 500, label: 'a stored minute of press-1' }
  const start = Number(await until(() => stored().catch(() => undefined), options))
  const late = { ts: start + 1, seq: 0, boot: 'by-hand', readings: { power: 7000 } }
  await stack.publish('telemetry/harbour-works/press-1', late)
}

/** One of each kind that the rules of the fleet do not give within minutes, as the ingest writes them. */
async function writeAlerts(): Promise<void> {
  const at = Math.floor(Date.now() / 60_000) * 60_000 - 600_000
  const own = { site: 'harbour-works', device: 'press-1', metric: 'vibration', severity: 'critical' } as const
  const alerts = [
    alertOf({ ...own, id: 'a', rule: 'machine-shakes', start: at }),
    alertOf({ ...own, id: 'b', rule: 'machine-shakes', start: at - 600_000, state: 'withdrawn', change: 'withdrawn' }),
    alertOf({
      ...{ ...own, id: 'c', rule: 'machine-hums', severity: 'info', state: 'cleared', change: 'cleared' },
      ...{ start: at - 1_200_000, raised: at - 1_140_000, end: at - 900_000, learned: at - 780_000 },
    }),
  ]
  const credentials = () => ({ username: undefined, password: undefined, token: undefined })
  const client = createClient({ url: influxd.url, database: 'telemetry', gzip: false, credentials }, undefined)
  await client.writePoints(alerts.map(toAlertPoint), { retentionPolicy: 'history', precision: 'n' })
}

/** Points of stages and accounts come every ten seconds, and rates need two; days are merged, and a late window closes, within a minute. */
async function filled(): Promise<boolean> {
  const [days, stagesSeen, accounts, amended, alerts] = await Promise.all([
    ask('SELECT count("count") FROM "history"."summary_1d" WHERE "device" = \'press-1\' GROUP BY "metric"'),
    ask('SELECT count(*) FROM "live"."pipeline" GROUP BY "stage"'),
    ask('SELECT count("accepted") FROM "live"."accounts" GROUP BY "site"'),
    ask('SELECT "amended", "metric" FROM "minute"."summary_1m" WHERE "device" = \'press-1\' AND "amended" > 0'),
    ask('SELECT "end" FROM "history"."alert" WHERE "device" = \'cold-store\' AND "end" > 0'),
  ])
  const points = [...stagesSeen, ...accounts].map((series) => Math.max(...numbersOf([series])))
  return (
    days.length === 4 &&
    stagesSeen.length >= stages.length &&
    accounts.length >= 3 &&
    amended.length > 0 &&
    alerts.length > 0 &&
    points.every((count) => count >= 3)
  )
}

beforeAll(async () => {
  influxd = await startInfluxd()
  const perturb = 'late=0.02,duplicate=0.02,dropout=0.02'
  stack = await RunningStack.start(temporaryFolder(), '--history', '3h', '--influx', influxd.url, '--perturb', perturb)
  await amendOne()
  await writeAlerts()
  await until(() => filled(), { withinMs: 150_000, everyMs: 1000, label: 'days and reports' })
  toMs = Date.now()
})

afterAll(async () => {
  await stack?.remove()
  await influxd?.stop()
})

/** Good when empty: what they list is what is wrong. */
const mayBeEmpty = ({ title }: PanelJson) => title.startsWith('Silent')

const targets = files.flatMap(({ page }) =>
  pages[page].panels.flatMap((panel) =>
    (panel.targets ?? []).map((target) => ({ name: `${page}: ${panel.title} ${target.refId}`, page, panel, target })),
  ),
)

describe('a database that the whole stack filled answers every panel', () => {
  test.each(targets)('$name', async ({ page, panel, target }) => {
    const answer = await askPanel(page, panel, target.query)
    const numbers = numbersOf(answer)
    if (!mayBeEmpty(panel)) expect(numbers.length).toBeGreaterThan(0)
    expect(numbers.every(Number.isFinite)).toBe(true)
    if (panel.type !== 'timeseries') return
    for (const { values } of answer) {
      const times = values.map(([time]) => Number(time))
      expect(times, 'each point stands once, in order').toEqual([...new Set(times)].sort((a, b) => a - b))
    }
    if (panel.title === 'Rate' || panel.title === 'Where readings go')
      expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0)
  })
})

describe('what it answers is plausible', () => {
  test('means lie between lowest and highest, within the p95 of the worst window', async () => {
    for (const title of ['$metric: minutes and the live edge', '$metric: hours', '$metric: days']) {
      const [stored = []] = await askTitled('device', title)
      expect(stored.map(({ tags }) => tags?.metric).sort()).toEqual(['energy', 'power', 'temperature', 'vibration'])
      for (const { columns, values } of stored) {
        expect(columns).toEqual(['time', 'mean', 'min', 'max', 'p95'])
        for (const [, mean, min, max, p95] of values as number[][]) {
          if (mean === null) continue
          // The mean of equal readings is a sum divided by their number.
          const rounding = Math.abs(mean!) * 1e-12
          expect(min).toBeLessThanOrEqual(mean! + rounding)
          expect(max).toBeGreaterThanOrEqual(mean! - rounding)
          expect(p95! >= min! && p95! <= max!, title).toBe(true)
        }
      }
    }
  })

  test('the live edge is younger than the stored minutes and reaches the end of the range', async () => {
    const [stored = [], live = []] = await askTitled('overview', '$metric: history and the live edge')
    const newest = (series: readonly Series[]) =>
      Math.max(...series.flatMap(({ values }) => values.filter((row) => row[1] !== null).map(([time]) => Number(time))))
    expect(newest(live)).toBeGreaterThan(newest(stored))
    expect(toMs - newest(live)).toBeLessThan(30_000)
    expect(live.map(({ tags }) => tags?.device).sort()).toEqual(stored.map(({ tags }) => tags?.device).sort())
  })

  test('everything is nearly complete, and what is missing is marked', async () => {
    const percents = numbersOf((await askTitled('fleet', 'Completeness of each device')).flat())
    expect(Math.max(...percents)).toBe(100)
    expect(Math.min(...percents)).toBeLessThan(100)
    expect(Math.min(...percents)).toBeGreaterThan(50)
    const [complete] = numbersOf((await askTitled('overview', 'Complete')).flat())
    expect(complete).toBeGreaterThan(94)
    expect(complete).toBeLessThan(99.9)
  })

  test('every device is fresh, no account is open, every stage is up', async () => {
    const ages = numbersOf((await askTitled('fleet', 'Freshness')).flat(), 'age')
    expect(ages.length).toBeGreaterThanOrEqual(12)
    expect(Math.max(...ages)).toBeLessThan(240)
    expect(Math.min(...ages)).toBeGreaterThan(0)
    for (const title of ['Unaccounted', 'Mismatch with the cloud']) {
      expect(numbersOf((await askTitled('pipeline', title)).flat()), title).toEqual([0])
    }
    for (const panel of pages.pipeline.panels.filter(({ title }) => title === 'Up')) {
      const states = numbersOf(await askPanel('pipeline', panel, panel.targets![0]!.query))
      expect(new Set(states), panel.targets![0]!.query).toEqual(new Set([1]))
    }
  })

  test('accounts of the sites add up to what the ingest says', async () => {
    const [table = []] = await askTitled('pipeline', 'Accounts of each site')
    for (const { columns, values } of table) {
      const row = Object.fromEntries(columns.map((column, index) => [column, Number(values[0]![index])]))
      const { accepted, closed, open, duplicate, tooLate, invalid, dropped } = row as Record<string, number>
      expect(closed! + open! + duplicate! + tooLate! + invalid! + dropped!).toBe(accepted)
    }
    expect(table.map(({ tags }) => tags?.site)).toEqual(expect.arrayContaining(['harbour-works', 'north-farm']))
  })

  test('the highest stand above the lowest, in order, ten at most', async () => {
    const [high = [], low = []] = [
      numbersOf((await askTitled('fleet', 'Highest $metric')).flat(), 'temperature'),
      numbersOf((await askTitled('fleet', 'Lowest $metric')).flat(), 'temperature'),
    ]
    expect(high).toEqual(high.toSorted((a, b) => b - a))
    expect(low).toEqual(low.toSorted((a, b) => a - b))
    expect(high.length).toBeLessThanOrEqual(10)
    expect(high[0]).toBeGreaterThan(low[0]!)
  })

  test('a device is silent once its newest reading is older than the chosen silence', async () => {
    const panel = pages.fleet.panels.find(({ title }) => title === 'Silent')!
    const silentAfter = async (seconds: number) => {
      const view = { ...viewOf('fleet', panel), choices: { ...choices.fleet, silence: String(seconds) } }
      return await ask(expand(panel.targets![0]!.query, pages.fleet, view))
    }
    expect((await silentAfter(1)).length).toBeGreaterThanOrEqual(12)
    expect(await silentAfter(3600)).toEqual([])
  })
})

test.each(files)('the variables of $page list what there is, each narrowed by the one before', async ({ page }) => {
  const values = async (name: string) => {
    const { query } = pages[page].templating.list.find((variable) => variable.name === name) ?? {}
    if (query === undefined) return []
    const series = await ask(expand(String(query), pages[page], viewOf(page)))
    return [...new Set(series.flatMap(({ values: rows }) => rows.map(([, value]) => value)))].sort()
  }
  expect(await values('site')).toEqual(['harbour-works', 'north-farm', 'riverside-office'])
  if (page === 'pipeline') return
  expect(await values('device')).toContain('press-1')
  expect((await values('device')).includes('barn')).toBe(page !== 'device')
  const metrics = await values('metric')
  if (page === 'device') expect(metrics).toEqual(['energy', 'power', 'temperature', 'vibration'])
  else expect(metrics).toEqual(expect.arrayContaining(['humidity', 'temperature', 'vibration']))
})

const marks = files.flatMap(({ page }) => pages[page].annotations.list.map((mark) => ({ ...mark, page })))

test.each(marks)('the marks "$name" of $page have a time, a text and a tag', async ({ page, target }) => {
  const { textColumn, tagsColumn } = target as typeof target & { textColumn: string; tagsColumn: string }
  const series = await ask(expand(target.query, pages[page], { ...viewOf(page), fromMs: toMs - 3 * hourMs }))
  const rows = series.flatMap(({ columns, values }) =>
    values.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index]]))),
  )
  expect(rows.length).toBeGreaterThan(0)
  for (const row of rows) {
    expect(Number(row[textColumn]) > 0 || String(row[textColumn]).includes(' ')).toBe(true)
    expect(row[tagsColumn]).toMatch(/\w/)
  }
})

test('the mean over an interval is the mean of its readings, not of its windows', async () => {
  const [minutes = []] = await askTitled('device', '$metric: minutes and the live edge')
  const { columns } = minutes[0]!
  expect(columns[1]).toBe('mean')
  const one =
    'FROM "minute"."summary_1m" WHERE "site" = \'harbour-works\' AND "device" = \'press-1\' AND "metric" = \'power\''
  const range = `time >= ${toMs - 2 * hourMs}ms AND time < ${toMs - hourMs}ms`
  const [merged] = numbersOf(await ask(`SELECT sum("sum") / sum("count") AS "mean" ${one} AND ${range}`))
  const rows = await ask(`SELECT "mean", "count" ${one} AND ${range}`)
  const weighted = rows[0]!.values.reduce((sum, [, mean, count]) => sum + Number(mean) * Number(count), 0)
  const readings = rows[0]!.values.reduce((sum, [, , count]) => sum + Number(count), 0)
  expect(merged).toBeCloseTo(weighted / readings, 6)
})

test('a device that sends no numbers does not make the others look more complete', async () => {
  const before = numbersOf((await askTitled('overview', 'Complete')).flat())
  const line = `completeness_1m,device=mute,site=north-farm boots="[]",lengthMs=60000i,messages=1000000i,rev=0i ${toMs - hourMs / 2}`
  const written = await fetch(`${influxd.url}/write?db=telemetry&rp=minute&precision=ms`, {
    method: 'POST',
    body: line,
  })
  expect(written.status).toBe(204)
  expect(numbersOf((await askTitled('overview', 'Complete')).flat())).toEqual(before)
})

describe('what the rules that Grafana judges ask for', () => {
  const settings = { windowMs: 60_000 }
  const queryOf = (rule: object): string => {
    const common = { id: 'r', at: 'grafana', select: { site: 'harbour-works', metric: 'power' } }
    const content = { rules: [{ ...common, ...rule }] }
    const { rules } = compileRules([{ name: 'r.yaml', content }])
    const { groups } = grafanaFiles(rules, settings).files['millrace-rules.yaml'] as {
      groups: { rules: { data: { model: { query: string } }[] }[] }[]
    }
    return groups[0]!.rules[0]!.data[0]!.model.query
  }
  const minutes = async (device: string) => {
    const where = `"device" = '${device}' AND "metric" = 'power'`
    const [series] = await ask(`SELECT "mean" FROM "minute"."summary_1m" WHERE ${where} ORDER BY time DESC LIMIT 70`)
    return series!.values.map(([, mean]) => Number(mean))
  }

  test('of a threshold, the newest windows of each device', async () => {
    const series = await ask(queryOf({ kind: 'threshold', above: 8, for: '10m' }))
    expect(series.length).toBeGreaterThan(1)
    for (const { values, tags } of series) {
      expect(values).toHaveLength(10)
      const stored = await minutes(tags!.device!)
      expect(stored).toEqual(expect.arrayContaining(values.map(([, value]) => Number(value))))
    }
  })

  test('of a rate, the change over as many windows, with its sign', async () => {
    const series = await ask(queryOf({ kind: 'rate', over: '30m', per: '30m', above: 8 }))
    for (const { values, tags } of series) {
      const stored = await minutes(tags!.device!)
      const changes = stored.slice(0, 30).map((mean, index) => mean - stored[index + 30]!)
      const last = Number(values.at(-1)![1])
      expect(changes.some((change) => Math.abs(change - last) < 1e-6)).toBe(true)
    }
    expect(series.length).toBeGreaterThan(1)
  })

  test('of a group, one value for each window of a site; of incomplete messages, percents', async () => {
    const [spread, ...more] = await ask(queryOf({ kind: 'group', of: 'count', above: 8, for: '5m' }))
    expect(more).toEqual([])
    expect(spread!.tags).toEqual({ site: 'harbour-works', metric: 'power' })
    expect(numbersOf([spread!]).every((count) => count > 1)).toBe(true)
    const select = { site: 'harbour-works' }
    const shares = numbersOf(await ask(queryOf({ kind: 'incomplete', select, missing: 0.1, for: '20m' })))
    expect(shares.length).toBeGreaterThan(20)
    expect(Math.min(...shares)).toBe(0)
    expect(Math.max(...shares)).toBeLessThanOrEqual(100)
  })
})
