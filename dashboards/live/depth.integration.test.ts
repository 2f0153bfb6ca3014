import type { Browser, CDPSession, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { buildPage } from './build.ts'
import { columnsOf, launchBrowser, openPage, openPhone } from './testing/browser.ts'
import { type MockOptions, type MockServer, startMockServer } from './testing/mock-server.ts'

let browser: Browser
const servers: MockServer[] = []

beforeAll(async () => {
  await buildPage()
  browser = await launchBrowser()
})

afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()))
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

afterAll(async () => await browser.close())

async function serve(options: Partial<MockOptions> = {}): Promise<MockServer> {
  const server = await startMockServer({ devices: 12, ...options })
  servers.push(server)
  return server
}

const poll = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 60_000 })
const textOf = async (page: Page, selector: string) => (await page.locator(selector).first().textContent()) ?? ''
const focused = async (page: Page) =>
  await page.evaluate(() => {
    const { activeElement: element } = document
    return (element?.getAttribute('aria-label') || element?.textContent || element?.tagName) ?? ''
  })
const viewsOf = async (page: Page) =>
  await page.locator('nav a').evaluateAll((links) => links.map((link) => link.getAttribute('href') ?? ''))

describe('the pipeline', () => {
  test('draws every agent and the ingest in flow order, says what is wrong, and explains every figure', async () => {
    const agents = [
      { site: 'lisbon-mill', agent: 'edge' },
      { site: 'oslo-depot', agent: 'dock', offlineMs: 312_000, missingUpstream: 4 },
      { site: 'quito-lab', agent: 'bench', clock: { source: 'none' } },
    ]
    const { url } = await serve({ agents })
    const { page, complaints } = await openPage(browser, `${url}#/pipeline`)
    await poll(async () => await page.locator('.lanes .lane').count()).toBe(3)
    expect(await page.locator('.lane').first().locator('.stage h3').allTextContents()).toEqual(
      'Devices Collect Decode Journal Windows Outbox Uplink'.split(' '),
    )
    expect(await page.locator('.lane-ingest .stage h3').allTextContents()).toEqual(
      'Receive Spool DuckDB Page'.split(' '),
    )
    const troubles = (await page.locator('.troubles li').allTextContents()).join('\n')
    expect(troubles).toContain('oslo-depot / dock has been offline for 5 min')
    expect(troubles).toContain('quito-lab / bench, clock: The time is not known yet')
    expect(await page.locator('.stage[data-flows="true"]').count()).toBeGreaterThan(10)
    expect(await page.locator('[data-presence="offline"] .stage[data-flows="true"]').count()).toBe(0)
    expect(await page.locator('.meaning:visible').count()).toBe(0)
    await page.getByRole('button', { name: 'Explain the figures' }).click()
    const figures = await page.locator('.figure').count()
    await poll(async () => await page.locator('.figure .meaning:visible').count()).toBe(figures)
    await poll(() => page.url()).toMatch(/explain=1$/)
    await page.goto(`${url}#/agents`)
    await poll(async () => await page.locator('.agent').count()).toBe(3)
    expect(await textOf(page, '.agent[aria-label*="bench"] .agent-clock')).toMatch(/no window closes/)
    expect(complaints).toEqual([])
  })
})

describe('with the keyboard alone', () => {
  test('every view, device, chart and control is reached, and the focus is always seen', async () => {
    const { url } = await serve({ alerts: true })
    const { page, complaints } = await openPage(browser, url)
    await page.waitForSelector('.card .value')
    const { keyboard } = page
    await keyboard.press('Tab')
    await poll(async () => await focused(page)).toBe('Skip to the readings')
    await keyboard.press('Enter')
    await poll(async () => await page.evaluate(() => document.activeElement?.id)).toBe('main')
    expect(await page.locator('.card').count(), 'to skip is not to leave').toBe(12)
    await keyboard.press('Tab')
    expect(await focused(page)).toContain('Filter')
    await keyboard.type('oslo')
    await poll(async () => await page.locator('.card').count()).toBe(4)
    await poll(() => page.url()).toMatch(/q=oslo$/)
    await keyboard.press('ArrowDown')
    const first = await focused(page)
    await keyboard.press('ArrowRight')
    expect(await focused(page)).not.toBe(first)
    await keyboard.press('ArrowLeft')
    expect(await focused(page)).toBe(first)
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle)
    expect(outline).toBe('solid')
    await keyboard.press('Enter')
    await page.waitForSelector('.chart')
    await keyboard.press('?')
    await poll(async () => await page.locator('dialog[open]').count()).toBe(1)
    await keyboard.press('Escape')
    await poll(async () => await page.locator('dialog[open]').count()).toBe(0)
    for (const [place, address] of (await viewsOf(page)).entries()) {
      await keyboard.press(String(place + 1))
      await poll(() => new URL(page.url()).hash.replace(/#\/fleet$/, '#/')).toBe(address)
      await poll(async () => await page.locator('nav a[aria-current="page"]').count()).toBe(1)
    }
    await keyboard.press('/')
    await poll(async () => await focused(page)).toContain('Filter')
    await keyboard.press('Escape')
    expect(await focused(page)).not.toContain('Filter')
    expect(complaints).toEqual([])
  })

  test('views opened in quick succession are each a step to go back', async () => {
    const { url } = await serve()
    const { page } = await openPage(browser, url)
    await poll(async () => await page.locator('nav a').count()).toBeGreaterThan(4)
    await page.keyboard.press('3')
    await page.keyboard.press('5')
    await poll(() => page.url()).toMatch(/#\/accounts$/)
    await page.goBack()
    await poll(() => page.url()).toMatch(/#\/pipeline$/)
    await poll(async () => await page.locator('nav a[aria-current="page"]').textContent()).toContain('Pipeline')
    await page.goForward()
    await poll(() => page.url()).toMatch(/#\/accounts$/)
  })

  test('a chart is read window by window, moved, zoomed and reset, and the browser goes back and forward', async () => {
    const { url } = await serve({ devices: 1 })
    const { page } = await openPage(browser, `${url}#/device/lisbon-mill/hall-01?range=6h`)
    await poll(async () => await columnsOf(page, 'water')).toBeGreaterThan(0.9)
    const { keyboard } = page
    for (let i = 0; i < 40 && !(await focused(page)).startsWith('Chart of'); i++) await keyboard.press('Tab')
    expect(await focused(page)).toMatch(/^Chart of battery\./)
    await keyboard.press('ArrowLeft')
    await keyboard.press('ArrowLeft')
    await poll(async () => await textOf(page, '.readout')).toMatch(/\d\d:\d\d \(\d\d:\d\d UTC\) · mean /)
    const read = await textOf(page, '.readout')
    await keyboard.press('ArrowLeft')
    await poll(async () => await textOf(page, '.readout')).not.toBe(read)
    expect(page.url(), 'reading moves nothing').toMatch(/range=6h$/)
    await keyboard.press('ArrowDown')
    expect(await focused(page)).toMatch(/^Chart of co2\./)
    await keyboard.press('Shift+ArrowLeft')
    await poll(() => decodeURIComponent(page.url())).toMatch(/range=.+Z\/.+Z$/)
    const moved = page.url()
    await page.goBack()
    await poll(() => page.url()).toMatch(/range=6h$/)
    await poll(async () => await page.locator('button[aria-pressed="true"]').allTextContents()).toContain('6 h')
    await page.goForward()
    await poll(() => page.url()).toBe(moved)
    await page.locator('.plot').first().focus()
    await keyboard.press('0')
    await poll(() => page.url()).toMatch(/range=6h$/)
  })
})

async function touch(session: CDPSession, type: string, points: readonly (readonly [number, number])[]): Promise<void> {
  const touchPoints = points.map(([x, y], id) => ({ x, y, id }))
  await session.send('Input.dispatchTouchEvent', { type: type as 'touchStart', touchPoints })
}

/** Moves the fingers from the first places to the last in a few steps. */
async function swipe(page: Page, from: readonly [number, number][], to: readonly [number, number][]): Promise<void> {
  const session = await page.context().newCDPSession(page)
  await touch(session, 'touchStart', from)
  for (let step = 1; step <= 6; step++) {
    const places = from.map(([x, y], i): [number, number] => {
      const [toX, toY] = to[i]!
      return [x + ((toX - x) * step) / 6, y + ((toY - y) * step) / 6]
    })
    await touch(session, 'touchMove', places)
    await page.waitForTimeout(30)
  }
  await touch(session, 'touchEnd', [])
}

const spanOf = (page: Page) => {
  const [from = Number.NaN, to = Number.NaN] = (/range=(.+)$/.exec(decodeURIComponent(page.url()))?.[1] ?? '')
    .split('/')
    .map((text) => Date.parse(text))
  return { from, width: to - from }
}

describe('on a phone of 360 pixels', () => {
  test('no view scrolls sideways, and what is tapped is large enough', async () => {
    const { url } = await serve({ alerts: true, longest: true })
    const { page, complaints } = await openPhone(browser, url)
    await page.waitForSelector('.card .alert-badge:visible')
    const alert = (await page.locator('.alert-badge:visible').first().getAttribute('href')) ?? ''
    const longest = `#/device/${'s'.repeat(64)}/${'d'.repeat(64)}`
    const addresses = [...(await viewsOf(page)), alert, '#/device/lisbon-mill/hall-01?range=24h', longest]
    for (const address of addresses) {
      await page.goto(`${url}${address}`)
      await page.waitForTimeout(400)
      expect(await page.evaluate(() => document.documentElement.scrollWidth), address).toBeLessThanOrEqual(360)
      const small = await page
        .locator('button:visible, nav a:visible, select:visible, .alert-badge:visible')
        .evaluateAll((controls) => controls.filter((one) => one.getBoundingClientRect().height < 32).length)
      expect(small, address).toBe(0)
    }
    expect(complaints).toEqual([])
  })

  test('one finger moves the range, two zoom it, a tap reads the values', async () => {
    const { url } = await serve({ devices: 1 })
    const { page } = await openPhone(browser, `${url}#/device/lisbon-mill/hall-01?range=24h`)
    await poll(async () => await columnsOf(page, 'water')).toBeGreaterThan(0.9)
    const over = page.locator('.u-over').first()
    await over.scrollIntoViewIfNeeded()
    const box = (await over.boundingBox())!
    const y = box.y + box.height / 2
    const at = (share: number): [number, number] => [box.x + share * box.width, y]
    await page.touchscreen.tap(...at(0.4))
    await poll(async () => await textOf(page, '.readout')).toMatch(/\(\d\d:\d\d UTC\) · mean .* n /)
    await swipe(page, [at(0.2)], [at(0.7)])
    await poll(() => Math.round(spanOf(page).width / 3_600_000)).toBe(24)
    // What fingers do before a browser knows that they drag is lost: a few hours of twelve.
    await poll(() => (Date.now() - 86_400_000 - spanOf(page).from) / 3_600_000).toBeGreaterThan(8)
    await swipe(page, [at(0.4), at(0.6)], [at(0.2), at(0.8)])
    await poll(() => spanOf(page).width / 3_600_000).toBeLessThan(12)
    const scrolled = await page.evaluate(() => scrollY)
    await swipe(page, [[box.x + 100, box.y + 150]], [[box.x + 100, box.y - 150]])
    await poll(async () => await page.evaluate(() => scrollY)).toBeGreaterThan(scrolled)
  })
})
