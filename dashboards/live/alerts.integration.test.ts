import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { AlertsResponse } from '@millrace/contracts'
import type { Browser, Page } from 'playwright-core'
import { afterEach, expect, it } from 'vitest'
import { RunningStack, temporaryFolder } from '../../e2e/stack.ts'
import { buildPage } from './build.ts'
import { columnsOf, launchBrowser, openPage, openPhone } from './testing/browser.ts'

let stack: RunningStack | undefined
let browser: Browser | undefined
let oven: Oven | undefined
afterEach(async () => {
  await oven?.stop()
  await browser?.close()
  await stack?.remove()
})

const rule = 'oven-hot'
const ruleFile = `rules:
  - id: ${rule}
    at: edge
    kind: threshold
    select: { site: works, device: oven, metric: temperature }
    field: mean
    above: 8
    clear: 7
    severity: warning
    message: '{device} is at {value} {unit}, above {threshold}'
`
const poll = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 120_000, interval: 100 })
const alerts = async () => await stack!.get<AlertsResponse>('/api/alerts')
const rows = (page: Page, section: 'Active' | 'Past') =>
  page.locator(`section[aria-label="${section} alerts"] .alert`).filter({ hasText: rule })

/** An oven that sends its temperature twice a second until it is told to stop. */
class Oven {
  celsius = 20
  #sending: Promise<void>
  #stopped = false

  constructor(stack: RunningStack) {
    this.#sending = this.#send(stack)
  }

  async #send(stack: RunningStack): Promise<void> {
    while (!this.#stopped) {
      await stack.publish('telemetry/works/oven', { ts: Date.now(), readings: { temperature: this.celsius } })
      await delay(500)
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#sending
  }
}

/** Nothing of the page is reloaded: what it shows from here on came by itself. */
async function seesItComeAndGo(page: Page, oven: Oven): Promise<void> {
  await poll(async () => await rows(page, 'Active').count()).toBe(1)
  const badge = page.locator('nav .badge')
  await poll(async () => Number(await badge.textContent())).toBeGreaterThan(0)
  await poll(async () => await page.title()).toMatch(/^\(\d+\) Alerts · Millrace$/)
  expect(await rows(page, 'Active').locator('.severity').textContent()).toBe('Warning')
  const before = await rows(page, 'Past').count()
  oven.celsius = 5
  await poll(async () => await rows(page, 'Past').count()).toBeGreaterThan(before)
}

/** As an ingest with a token behind a proxy that lets everybody look. */
async function demandToken(page: Page): Promise<void> {
  const answer = { status: 401, json: { message: 'send the token' } }
  await page.route('**/api/alerts/acknowledge', async (route) => {
    const isRight = route.request().headers().authorization === 'Bearer right'
    await (isRight ? route.continue() : route.fulfill(answer))
  })
}

async function deals(page: Page): Promise<void> {
  await demandToken(page)
  await page.getByLabel('Note').fill('The door was open')
  await page.getByLabel('Acknowledgement').getByLabel('Your name').fill('Ada')
  await page.getByRole('button', { name: 'Acknowledge' }).click()
  for (const [said, token] of [
    ['http.tokenFile', 'wrong'],
    ['not the right one', 'right'],
  ] as const) {
    const dialog = page.getByRole('dialog').filter({ hasText: said })
    await dialog.getByLabel('Token').fill(token)
    await dialog.getByRole('button', { name: 'Go on' }).click()
  }
  await poll(async () => await page.getByLabel('Acknowledgement').textContent()).toContain('Ada is on it')
  await page.getByLabel('Reason').fill('It is being repaired')
  await page.getByRole('button', { name: 'Silence' }).click()
  await poll(async () => (await alerts()).silences.length).toBe(1)
  const [silence] = (await alerts()).silences
  expect(silence).toMatchObject({ match: { rule, device: 'oven' }, by: 'Ada', reason: 'It is being repaired' })
}

async function endsTheSilence(page: Page): Promise<void> {
  await page.goto(`${page.url().split('#')[0]}#/alerts?rule=${rule}`)
  await page.getByRole('button', { name: /^End the silence of rule oven-hot/ }).click()
  await poll(async () => (await alerts()).silences).toEqual([])
  await poll(async () => await page.getByLabel('Silences').isVisible()).toBe(false)
}

it('shows an alert of a real stack as it comes and goes, with its chart, takes an acknowledgement and a silence, and marks it in the other views', async () => {
  await buildPage()
  const folder = temporaryFolder()
  const rulesFolder = join(folder, 'rules')
  mkdirSync(rulesFolder)
  writeFileSync(join(rulesFolder, 'oven.yaml'), ruleFile)
  stack = await RunningStack.start(folder, '--history', '0s', '--window', '5s', '--rules', rulesFolder)
  oven = new Oven(stack)
  browser = await launchBrowser()
  const url = `http://127.0.0.1:${stack.run().ports.http}/`
  const { page, complaints } = await openPage(browser, `${url}#/alerts`)
  await seesItComeAndGo(page, oven)
  oven.celsius = 20
  expect(await page.getByLabel('Who watches').textContent()).toMatch(/edge.*1 rule, version/s)

  // By the keyboard alone: to the newest alert, and in.
  await poll(async () => await rows(page, 'Active').count()).toBe(1)
  await rows(page, 'Active').locator('a').focus()
  await page.keyboard.press('Enter')
  await poll(async () => await page.locator('.alert-view .plot canvas').count()).toBe(1)
  await poll(async () => await columnsOf(page, 'open')).toBeGreaterThan(0.02)
  expect(await page.locator('.alert-facts').textContent()).toMatch(/Began.*Raised.*Learned.*bound 8.*at the edge/s)
  await deals(page)
  await endsTheSilence(page)

  await page.goto(`${url}#/device/works/oven?range=15m`)
  await poll(async () => await page.locator('.legend .key-alert').count()).toBe(1)
  await page.goto(`${url}#/`)
  const card = page.locator('.card').filter({ hasText: 'oven' })
  await poll(async () => await card.locator('.alert-badge').isVisible()).toBe(true)

  const phone = await openPhone(browser, `${url}#/alerts`)
  await poll(async () => await rows(phone.page, 'Past').count()).toBeGreaterThan(0)
  await rows(phone.page, 'Past').locator('a').first().tap()
  await poll(async () => await phone.page.locator('.alert-view .plot canvas').count()).toBe(1)
  expect(await phone.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
  const refused = 'the server responded with a status of 401'
  expect([...complaints, ...phone.complaints].filter((text) => !text.includes(refused))).toEqual([])
})
