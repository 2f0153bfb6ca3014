import type { ApiAlert } from '@millrace/contracts'
import type { App } from '../app.ts'
import { routeTo } from '../model/route.ts'
import { button, h, setAttribute, setText } from '../view/dom.ts'
import type { View } from '../view/view.ts'
import { type AlertFilter, isEmpty, matcherOf, readFilter, writeFilter } from './alert-filter.ts'
import { AlertList } from './alert-list.ts'
import { FilterBar } from './filter-bar.ts'
import { noAlerts } from './first-rule.ts'
import { SilenceList } from './silence-list.ts'
import { Watchers } from './watchers.ts'

const everySecondMs = 1_000

function heading(text: string): { root: HTMLElement; count: HTMLElement } {
  const count = h('span', { class: 'count' })
  return { root: h('h2', {}, text, ' ', count), count }
}

/** What is wrong now, what was, who keeps quiet about what, and who watches. */
export class AlertsView implements View {
  readonly root = h('div', { class: 'alerts-view' })
  private readonly app: App
  private readonly lead = h('p', { class: 'lead', role: 'status' }, 'Asking the ingest what is wrong …')
  private readonly bar: FilterBar
  private readonly active = heading('Active')
  private readonly past = heading('Past')
  private readonly activeList = new AlertList(() => this.alerts())
  private readonly pastList = new AlertList(() => this.alerts())
  private readonly empty = h('div', {})
  private readonly silences: SilenceList
  private readonly watchers = new Watchers()
  private drawnMs = 0
  private emptyFor = ''
  private readonly update = () => this.draw()

  constructor(app: App) {
    this.app = app
    this.bar = new FilterBar(readFilter(app.route), (filter) => this.filtered(filter))
    this.silences = new SilenceList(app.alerts)
    const head = h('div', { class: 'view-head' }, h('h1', {}, 'Alerts'), this.bar.root)
    const activeSection = h(
      'section',
      { 'aria-label': 'Active alerts' },
      this.active.root,
      this.empty,
      this.activeList.root,
    )
    const pastSection = h('section', { 'aria-label': 'Past alerts' }, this.past.root, this.pastList.root)
    this.root.append(head, this.lead, activeSection, this.silences.root, pastSection, this.watchers.root)
    app.alerts.soon()
    this.alerts()
  }

  alerts(): void {
    this.app.frames.add(this.update)
  }

  route(): void {
    this.alerts()
  }

  search(): void {
    this.bar.focus()
  }

  tick(): void {
    if (performance.now() - this.drawnMs > everySecondMs) this.alerts()
  }

  close(): void {}

  private filtered(filter: AlertFilter): void {
    this.app.go(routeTo('alerts', writeFilter(filter)), { step: false })
  }

  private draw(): void {
    const { book, failed } = this.app.alerts
    this.drawnMs = performance.now()
    if (!book.loaded) {
      if (failed) setText(this.lead, 'The ingest does not answer what alerts there are. Trying again.')
      setAttribute(this.root, 'data-loaded', 'false')
      return
    }
    setAttribute(this.root, 'data-loaded', 'true')
    setAttribute(this.root, 'data-unused', String(book.isUnused))
    const filter = readFilter(this.app.route)
    const [active, past] = [book.active(), book.past()]
    this.bar.draw(filter, [...active, ...past])
    setText(this.lead, describe(active))
    const through = matcherOf(filter)
    this.drawActive(active.filter(through), { all: active.length, filter })
    this.drawPast(past.filter(through), past.length)
    this.silences.draw(this.app.now())
    this.watchers.draw(book)
  }

  private drawActive(shown: readonly ApiAlert[], { all, filter }: { all: number; filter: AlertFilter }): void {
    setText(this.active.count, counted(shown.length, all))
    this.activeList.draw(shown, this.app.now())
    const state =
      shown.length > 0
        ? 'none'
        : isEmpty(filter)
          ? `quiet ${JSON.stringify(this.app.alerts.book.evaluators)}`
          : 'filtered'
    if (state === this.emptyFor) return
    this.emptyFor = state
    this.empty.replaceChildren(...this.emptyText(state))
  }

  private emptyText(state: string): HTMLElement[] {
    if (state === 'none') return []
    if (state !== 'filtered') return [noAlerts(this.app.alerts.book.evaluators)]
    const all = button('Show all', () => this.filtered({ severity: '', site: '', rule: '', text: '' }))
    return [h('p', { class: 'quiet' }, 'No active alert matches the filter. ', all)]
  }

  private drawPast(shown: readonly ApiAlert[], all: number): void {
    setText(this.past.count, counted(shown.length, all))
    this.past.root.parentElement!.hidden = all === 0
    this.pastList.draw(shown, this.app.now())
  }
}

const counted = (shown: number, all: number) => (shown === all ? String(all) : `${shown} of ${all}`)

function describe(active: readonly ApiAlert[]): string {
  if (active.length === 0) return 'No alert is active.'
  const open = active.filter(({ acknowledged, silencedBy }) => acknowledged === null && silencedBy === null).length
  const one = active.length === 1 ? 'One alert is active' : `${active.length} alerts are active`
  if (open === 0) return `${one}; each is acknowledged or silenced.`
  return open === active.length ? `${one}, none acknowledged yet.` : `${one}, ${open} of them not yet dealt with.`
}
