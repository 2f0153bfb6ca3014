import type { Mark } from '@millrace/contracts'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildPage } from './build.ts'
import { columnsOf, launchBrowser, openPage } from './testing/browser.ts'
import { type MockServer, startMockServer } from './testing/mock-server.ts'

const minuteMs = 60_000
const now = Date.now()
const cut: Mark = { id: 'cut', kind: 'drill', text: 'uplink cut', from: now - 9 * minuteMs, to: now - 6 * minuteMs }
const killed: Mark = {
  id: 'kill',
  kind: 'drill',
  text: 'kill -9 agent',
  from: now - 3 * minuteMs,
  to: now - 3 * minuteMs,
}
const begun: Mark = { id: 'flood', kind: 'drill', text: 'poison', from: now, to: now + 60 * minuteMs }

let browser: Browser
let server: MockServer
beforeAll(async () => {
  await buildPage()
  browser = await launchBrowser()
  server = await startMockServer({ devices: 1, marks: [cut, killed] })
})
afterAll(async () => {
  await browser.close()
  await server.close()
})

const poll = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 60_000 })
const labelOf = async (page: Page) => await page.locator('.plot').first().getAttribute('aria-label')

test('marks are drawn on every chart, light and dark, told in words, and a running drill is named in the head', async () => {
  const { page, complaints } = await openPage(browser, `${server.url}#/device/lisbon-mill/hall-01?range=15m`, 'light')
  // The stretch takes 3 of 15 minutes.
  await poll(async () => await columnsOf(page, 'mark')).toBeGreaterThan(0.19)
  expect(await columnsOf(page, 'mark')).toBeLessThan(0.35)
  expect(await labelOf(page)).toMatch(
    /Marks: uplink cut \d\d:\d\d:\d\d to \d\d:\d\d:\d\d, kill -9 agent at \d\d:\d\d:\d\d\./,
  )
  await page.emulateMedia({ colorScheme: 'dark' })
  await poll(async () => await columnsOf(page, 'mark')).toBeGreaterThan(0.19)
  const note = page.locator('.drill-note')
  expect(await note.isVisible()).toBe(false)
  server.send('mark', begun)
  await poll(async () => await note.textContent()).toBe('Drill running: poison')
  await poll(async () => await labelOf(page)).toContain('poison')
  await page.getByRole('link', { name: 'Accounts' }).click()
  expect(await note.isVisible()).toBe(true)
  server.send('mark', { ...begun, to: begun.from + 1 })
  await poll(async () => await note.isVisible()).toBe(false)
  expect(complaints).toEqual([])
})
