import { chromium } from 'playwright-core'
import { afterEach, expect, it } from 'vitest'
import { buildPage } from '../dashboards/live/build.ts'
import { until } from '../packages/pipeline/testing/index.ts'
import { Influxd } from './influxd.ts'
import { clean, RunningStack, temporaryFolder } from './stack.ts'

let stack: RunningStack | undefined
let influxd: Influxd | undefined
afterEach(async () => {
  await stack?.remove()
  await influxd?.stop()
})

interface Answer {
  results: { series?: { name: string; tags: Record<string, string>; values: (string | number)[][] }[] }[]
}

async function ask(statement: string): Promise<NonNullable<Answer['results'][0]['series']>> {
  const query = new URLSearchParams({ db: 'telemetry', q: statement, epoch: 'ms' })
  const answer = (await (await fetch(`${influxd!.url}/query?${query}`)).json()) as Answer
  return answer.results[0]?.series ?? []
}

const stages = [
  ...['agent-collect', 'agent-decode', 'agent-rollup', 'agent-spool', 'agent-uplink'],
  ...['ingest-collect', 'ingest-serve', 'ingest-spool', 'ingest-store-influxdb'],
]

async function pageOf(
  url: string,
): Promise<{ cards: number; charts: number; verdict: string | null; complaints: string[] }> {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--headless', '--no-sandbox'] })
  try {
    const page = await browser.newPage()
    const complaints: string[] = []
    page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())))
    page.on('pageerror', (error) => void complaints.push(error.message))
    await page.goto(url)
    await page.waitForSelector('.card .value')
    await page.locator('.ledger-verdict', { hasText: 'Every reading' }).waitFor()
    const verdict = await page.locator('.ledger-verdict').textContent()
    const cards = await page.locator('.card').count()
    await page.locator('.card a').first().click()
    await page.waitForSelector('.u-wrap canvas')
    return { cards, charts: await page.locator('.u-wrap canvas').count(), verdict, complaints }
  } finally {
    await browser.close()
  }
}

it('with InfluxDB as the only store, the page, the API, verify and the figures are as with DuckDB', async () => {
  await buildPage()
  influxd = await Influxd.start()
  stack = await RunningStack.start(
    temporaryFolder(),
    ...['--store', 'influxdb', '--influx', influxd.url, '--history', '1h', '--seed', '5'],
    ...['--perturb', 'late=0.02,duplicate=0.02'],
  )
  const running = stack
  await until(async () => (await ask('SELECT * FROM "live"."pipeline" GROUP BY "stage"')).length >= stages.length, {
    withinMs: 40_000,
    everyMs: 500,
    label: 'figures of every stage',
  })
  const told = await ask('SELECT * FROM "live"."pipeline" GROUP BY "stage"')
  expect(told.map(({ tags }) => tags.stage)).toEqual(expect.arrayContaining(stages))
  expect((await ask('SELECT * FROM "live"."accounts" GROUP BY "site"')).length).toBeGreaterThan(2)
  expect((await ask('SELECT * FROM "live"."reading" LIMIT 1')).length).toBe(1)

  const { devices } = await running.get<{ devices: { missing: number | null }[] }>('/api/completeness')
  expect(devices.length).toBeGreaterThan(10)
  const series = await running.get<{ site: string; device: string; metric: string }[]>('/api/series')
  const [{ site, device, metric } = series[0]!] = series.filter((one) => one.metric === 'temperature')
  const rows = async (step: string) => {
    const query = new URLSearchParams({ site, device, metric, step, from: '0', to: '4102444800000' })
    const { summaries } = await running.get<{ summaries: { provisional: boolean }[] }>(`/api/summaries?${query}`)
    return summaries
  }
  const stored = async () => (await rows('1m')).filter(({ provisional }) => !provisional).length
  await until(async () => (await stored()) > 50, { withinMs: 20_000, label: 'an hour of minutes' })
  await until(async () => (await rows('1h')).length > 0, { withinMs: 20_000, label: 'hours' })
  await until(async () => (await rows('1d')).length > 0, { withinMs: 70_000, everyMs: 500, label: 'days' })

  const page = await pageOf(`http://127.0.0.1:${running.run().ports.http}/`)
  expect(page).toMatchObject({ complaints: [], verdict: 'Every reading is accounted for.' })
  expect(page.cards).toBeGreaterThan(10)
  expect(page.charts).toBeGreaterThan(0)

  const verdict = await running.verify()
  expect(verdict).toMatchObject({ ok: true, ...clean })
  expect(verdict.windows).toBeGreaterThan(1_000)
})
