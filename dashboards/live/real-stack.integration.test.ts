import mqtt from 'mqtt'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterEach, expect, it } from 'vitest'
import { summariesBody } from '../../cloud-ingest/src/testing/rows.ts'
import { RunningStack, temporaryFolder } from '../../e2e/stack.ts'
import { buildPage } from './build.ts'
import { columnsOf } from './testing/browser.ts'

let stack: RunningStack | undefined
let browser: Browser | undefined
afterEach(async () => {
  await browser?.close()
  await stack?.remove()
})

const windowMs = 600_000
const windowsPerDay = 144
const dayMs = windowsPerDay * windowMs
const poll = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 120_000, interval: 250 })

const lane = (page: Page, agent: string) => page.locator(`.lane[aria-label="Agent ${agent}"]`)

async function countsOf(page: Page, agent: string): Promise<number[]> {
  const texts = await lane(page, agent).locator('.equation li b').allTextContents()
  return texts.map((text) => Number(text.replaceAll(',', '')))
}

async function publish(port: number, topic: string, messages: readonly { body: string; qos: 0 | 1 }[]): Promise<void> {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`)
  for (const { body, qos } of messages) await client.publishAsync(topic, body, { qos })
  await client.endAsync()
}

/** Thirty days of one series in windows of ten minutes, as an agent would send them; three days of them are missing. */
async function sendMonth(port: number): Promise<void> {
  const start = Math.floor(Date.now() / windowMs) * windowMs - 30 * dayMs
  const gap = { from: start + 12 * dayMs, to: start + 15 * dayMs }
  const rows = Array.from({ length: 30 * windowsPerDay }, (_, index) => {
    const at = start + index * windowMs
    const level = 20 + 5 * Math.sin((at / dayMs) * Math.PI * 2)
    return { start: at, lengthMs: windowMs, values: [level - 0.5, level, level + 0.5] }
  }).filter(({ start: at }) => at < gap.from || at >= gap.to)
  const bodies: { body: string; qos: 1 }[] = []
  for (let at = 0; at < rows.length; at += 400) {
    const sent = { pump: 3 * Math.min(rows.length, at + 400) }
    const spec = {
      site: 'north',
      agent: 'old',
      spool: 'spool-old',
      seq: bodies.length,
      rows: rows.slice(at, at + 400),
      sent,
    }
    bodies.push({ body: JSON.stringify(summariesBody(spec)), qos: 1 })
  }
  await publish(port, 'millrace/v1/north/old/summaries', bodies)
}

async function open(): Promise<{ page: Page; complaints: string[] }> {
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--headless', '--no-sandbox'] })
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
  const complaints: string[] = []
  page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())))
  page.on('pageerror', (error) => void complaints.push(error.message))
  await page.goto(`http://127.0.0.1:${stack!.run().ports.http}/#/pipeline`)
  return { page, complaints }
}

it('shows live rates and balanced accounts of several agents, QoS 0 beside them, thirty days, and an agent that was killed', async () => {
  await buildPage()
  stack = await RunningStack.start(temporaryFolder(), '--history', '5m', '--window', '10s')
  const { page, complaints } = await open()
  const edge = 'local / edge'

  const rate = async () =>
    Number(await lane(page, edge).locator('[data-stage="collect"] .figure-value').first().textContent())
  await poll(rate).toBeGreaterThan(0)
  await poll(async () => await lane(page, edge).getAttribute('data-presence')).toBe('online')
  await poll(async () => (await countsOf(page, edge))[0]).toBeGreaterThan(1_000)
  const [accepted, ...terms] = await countsOf(page, edge)
  expect(terms.reduce((sum, count) => sum + count, 0)).toBe(accepted)

  const reading = (index: number) => ({
    body: JSON.stringify({ readings: { temperature: 20 + index / 10 } }),
    qos: 0 as const,
  })
  await publish(
    stack.run().ports.mqtt,
    'telemetry/local/desk',
    Array.from({ length: 9 }, (_, index) => reading(index)),
  )
  await poll(async () => await lane(page, edge).locator('.equation-aside').textContent()).toMatch(
    /^QoS 0: .* % \(9\), outside the promise$/,
  )
  await poll(async () => await page.locator('.ledger-aside').textContent()).toContain('(9), outside the promise')

  await sendMonth(stack.run().ports.cloudMqtt)
  await poll(async () => (await countsOf(page, 'north / old'))[0]).toBe(3 * 27 * windowsPerDay)
  expect(await lane(page, 'north / old').getAttribute('data-presence')).toBe('unseen')
  const rowCounts: number[] = []
  page.on('response', async (response) => {
    if (!response.url().includes('/api/summaries?')) return
    const { summaries } = (await response.json().catch(() => ({ summaries: [] }))) as { summaries: unknown[] }
    rowCounts.push(summaries.length)
    expect(response.url()).toContain('step=1h')
  })
  await poll(async () => {
    await page.goto('about:blank')
    await page.goto(`http://127.0.0.1:${stack!.run().ports.http}/#/device/north/pump?range=30d`)
    await page.waitForSelector('.u-wrap canvas')
    await page.waitForTimeout(1_000)
    return await columnsOf(page, 'water')
  }).toBeGreaterThan(0.85)
  expect(await columnsOf(page, 'water'), 'a gap stays a gap').toBeLessThan(0.93)
  expect(Math.max(...rowCounts)).toBeGreaterThan(600)
  expect(Math.max(...rowCounts)).toBeLessThan(2_000)

  await page.goto(`http://127.0.0.1:${stack.run().ports.http}/#/pipeline`)
  await poll(async () => await lane(page, edge).getAttribute('data-presence')).toBe('online')
  // Killed alone it is back in a second, which a busy page may miss: with its cable cut it stays away.
  stack.signal('SIGUSR2')
  await poll(() => stack!.log).toContain('the uplink is cut')
  await stack.kill('agent')
  await poll(async () => await lane(page, edge).getAttribute('data-presence')).toBe('offline')
  await poll(async () => await lane(page, edge).locator('.stage[data-flows="true"]').count()).toBe(0)
  await poll(async () => await page.locator('.troubles').textContent()).toContain(
    'Agent local / edge has been offline for',
  )
  expect((await countsOf(page, edge))[0], 'what was known stays').toBeGreaterThan(1_000)
  stack.signal('SIGUSR2')
  await poll(async () => await lane(page, edge).getAttribute('data-presence')).toBe('online')
  await page.goto(`http://127.0.0.1:${stack.run().ports.http}/#/agents`)
  const restarts = page.locator('.agent', { hasText: edge }).locator('.figure', { hasText: 'restarts seen' })
  await poll(async () => await restarts.locator('.figure-value').textContent()).toBe('1')
  expect(complaints).toEqual([])
})
