import type { App, Listener } from '../app.ts'
import { Help } from '../keys/help.ts'
import { listenForShortcuts } from '../keys/shortcuts.ts'
import { DrillNote } from '../marks/drill-note.ts'
import { formatLocalTime, formatSpan, formatUtc } from '../model/format.ts'
import { routeTo } from '../model/route.ts'
import { views } from '../views.ts'
import { Badges } from './badges.ts'
import { button, h, setAttribute, setText } from './dom.ts'
import { Ledger } from './ledger.ts'
import { mark } from './mark.ts'
import { applyTheme, readTheme } from './palette.ts'
import type { View, ViewEntry } from './view.ts'

function connectionText(app: App, ratePerSecond: number): string {
  const { state } = app.live
  if (state.kind === 'connecting') return 'Connecting …'
  if (state.kind === 'open') return `Live · ${ratePerSecond.toFixed(ratePerSecond < 10 ? 1 : 0)} readings/s`
  return `Connection lost ${formatSpan(Math.max(0, Date.now() - state.sinceMs))} ago`
}

/** Header, accounts, notice of a lost connection, and the view the address names. */
export class Shell implements Listener {
  private readonly app: App
  private readonly host: HTMLElement
  private readonly pill = h('p', { class: 'pill', role: 'status' }, 'Connecting …')
  private readonly time = h('time', { class: 'clock' })
  private readonly notice = h('div', { class: 'notice', role: 'alert', hidden: true })
  private readonly main = h('main', { id: 'main', tabindex: -1 })
  private readonly links = new Map(views.flatMap((entry) => (entry.label ? [[entry, linkTo(entry)]] : [])))
  private readonly toggle = button('', () => this.switchTheme(), { class: 'theme-toggle', title: 'Light or dark' })
  private readonly ledger: Ledger
  private readonly drill = new DrillNote()
  private readonly help = new Help()
  private readonly helpButton = button('?', () => this.help.open(), {
    class: 'help-button',
    title: 'Keys and gestures (?)',
    'aria-label': 'Keys and gestures',
  })
  private view: View | undefined
  private shown = ''
  private counted = { readings: 0, atMs: performance.now(), rate: 0 }
  private title = 'Millrace'
  private readonly badges = new Badges()
  private readonly drawHead = () => this.head()
  private readonly drawBadges = () => this.badge()

  constructor(app: App, host: HTMLElement) {
    this.app = app
    this.host = host
    this.ledger = new Ledger(app)
  }

  start(): void {
    const header = h(
      'header',
      { class: 'header' },
      h('a', { class: 'brand', href: '#/', 'aria-label': 'Millrace, fleet' }, mark(), h('span', {}, 'Millrace')),
      h('nav', { 'aria-label': 'Views' }, ...this.links.values()),
      h('div', { class: 'header-end' }, this.drill.root, this.pill, this.time, this.helpButton, this.toggle),
    )
    this.host.append(header, this.notice, this.ledger.root, this.main, this.help.root)
    this.app.listeners.add(this).add(this.ledger)
    this.listen()
    this.theme()
    this.route()
  }

  private listen(): void {
    const labelled = [...this.links.keys()]
    listenForShortcuts({
      help: () => this.help.open(),
      search: () => this.search(),
      view: (place) => {
        const entry = labelled[place]
        if (entry) this.app.go(routeTo(entry.id))
      },
    })
    // Its address would be taken for a view.
    document.querySelector('.skip')?.addEventListener('click', (event) => {
      event.preventDefault()
      this.main.focus()
    })
  }

  private search(): void {
    if (!this.view?.search) this.app.go(routeTo(views[0].id))
    this.view?.search?.()
  }

  theme(): void {
    setAttribute(this.toggle, 'aria-label', `Switch to ${isDark() ? 'light' : 'dark'} colours`)
  }

  tick(): void {
    this.measureRate()
    this.app.frames.add(this.drawHead)
  }

  connection(): void {
    this.app.frames.add(this.drawHead)
  }

  /** A change of the query stays in the same view; another view or device makes a new one. */
  route(): void {
    const { route } = this.app
    const [home] = views
    const named = views.find(({ id }) => id === route.view) ?? home
    const name = [named.id, ...route.parts].join('/')
    for (const [entry, link] of this.links) setCurrent(link, entry === named)
    if (name === this.shown) return
    this.shown = name
    if (this.view) {
      this.app.listeners.delete(this.view)
      this.view.close()
    }
    this.show(named.open(this.app, route) ?? home.open(this.app, route))
    const title = named.title?.(route)
    this.title = title ? `${title} · Millrace` : 'Millrace'
    this.badge()
  }

  alerts(): void {
    this.app.frames.add(this.drawBadges)
  }

  private badge(): void {
    const count = this.badges.draw(this.app, this.links)
    document.title = count > 0 ? `(${count}) ${this.title}` : this.title
  }

  private show(view: View | undefined): void {
    this.view = view
    if (!view) return
    this.app.listeners.add(view)
    const focused = this.main.contains(document.activeElement)
    this.main.replaceChildren(view.root)
    if (focused) this.main.focus({ preventScroll: true })
    scrollTo(0, 0)
  }

  private measureRate(): void {
    const elapsedMs = performance.now() - this.counted.atMs
    if (elapsedMs < 2_000) return
    const { readings } = this.app.fleet
    const rate = ((readings - this.counted.readings) / elapsedMs) * 1000
    this.counted = { readings, atMs: performance.now(), rate }
  }

  private head(): void {
    const { state } = this.app.live
    setText(this.pill, connectionText(this.app, this.counted.rate))
    setAttribute(this.pill, 'data-state', state.kind)
    setAttribute(document.documentElement, 'data-connection', state.kind)
    this.drill.draw(this.app)
    this.notice.hidden = state.kind !== 'lost'
    const now = this.app.now()
    if (state.kind === 'lost') setText(this.notice, lostText(now, state.retryAtMs))
    setText(this.time, formatLocalTime(now))
    setAttribute(this.time, 'title', formatUtc(now))
  }

  private switchTheme(): void {
    applyTheme(isDark() ? 'light' : 'dark')
    this.app.themeChanged()
  }
}

function linkTo({ id, label }: ViewEntry): HTMLAnchorElement {
  return h('a', { href: id === views[0].id ? '#/' : `#/${id}` }, label)
}

function setCurrent(link: HTMLAnchorElement, current: boolean): void {
  if (current) setAttribute(link, 'aria-current', 'page')
  else link.removeAttribute('aria-current')
}

function isDark(): boolean {
  const theme = readTheme()
  return theme === 'auto' ? matchMedia('(prefers-color-scheme: dark)').matches : theme === 'dark'
}

function lostText(at: number, retryAtMs: number): string {
  const seconds = Math.ceil((retryAtMs - Date.now()) / 1000)
  const next = seconds > 0 ? `Next try in ${seconds} s.` : 'Trying again now.'
  return `The connection to the ingest is lost. What you see is what was known at ${formatLocalTime(at)}. ${next}`
}
