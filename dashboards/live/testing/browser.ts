import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export async function launchBrowser(): Promise<Browser> {
  return await chromium.launch({ executablePath: '/usr/bin/chromium', args: flags })
}

export interface Watched {
  page: Page
  /** Errors on the console, exceptions and requests to another origin, as text. */
  complaints: string[]
}

export async function openPage(browser: Browser, url: string, theme: 'light' | 'dark' = 'dark'): Promise<Watched> {
  return await open(browser, url, { viewport: { width: 1440, height: 900 }, colorScheme: theme })
}

/** A small phone, with fingers. */
export async function openPhone(browser: Browser, url: string): Promise<Watched> {
  return await open(browser, url, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true })
}

async function open(browser: Browser, url: string, options: BrowserContextOptions): Promise<Watched> {
  const context = await browser.newContext({ timezoneId: 'Asia/Kolkata', ...options })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    // The tests read the canvas back, the page never does.
    if (message.text().includes('willReadFrequently')) return
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) complaints.push(`loads ${request.url()}`)
  })
  await page.goto(url)
  return { page, complaints }
}

/** Gaps between animation frames over the time, ms, ascending. */
export async function frameGaps(page: Page, forMs: number): Promise<number[]> {
  return await page.evaluate(
    (span) =>
      new Promise<number[]>((resolve) => {
        const gaps: number[] = []
        const start = performance.now()
        let last = start
        const frame = (now: number) => {
          gaps.push(now - last)
          last = now
          if (now - start < span) requestAnimationFrame(frame)
          else resolve(gaps.slice(1).sort((a, b) => a - b))
        }
        requestAnimationFrame(frame)
      }),
    forMs,
  )
}

/** Share of the plot's pixel columns that hold a colour near the given one, from the first chart of the page. */
export async function columnsOf(page: Page, variable: string): Promise<number> {
  return await page.evaluate((name) => {
    const canvas = document.querySelector<HTMLCanvasElement>('.u-wrap canvas')
    const over = document.querySelector<HTMLElement>('.u-over')
    const context = canvas?.getContext('2d')
    if (!canvas || !over || !context) return 0
    const probe = document.body.appendChild(document.createElement('i'))
    probe.style.color = `var(--${name})`
    const wanted = (getComputedStyle(probe).color.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number)
    probe.remove()
    const { offsetLeft, offsetWidth, offsetTop, offsetHeight } = over
    const image = context.getImageData(offsetLeft, offsetTop, offsetWidth, offsetHeight)
    const hit = (at: number) => wanted.every((part, index) => Math.abs((image.data[at + index] ?? 0) - part) < 40)
    let columns = 0
    for (let x = 0; x < image.width; x++) {
      for (let y = 0; y < image.height; y++) {
        if (!hit((y * image.width + x) * 4)) continue
        columns++
        break
      }
    }
    return columns / image.width
  }, variable)
}
