import type { App } from '../app.ts'
import { focusByArrows } from '../keys/arrow-focus.ts'
import type { DeviceState, Fleet, SeriesState } from '../model/fleet.ts'
import { routeTo } from '../model/route.ts'
import { DeviceCard } from './device-card.ts'
import { button, h, setText } from './dom.ts'
import { SparkLoader } from './spark-loader.ts'
import type { View } from './view.ts'
import { welcome } from './welcome.ts'

/** More cards than this are not drawn at once; the filter reaches the others. */
const maxCards = 400

interface SiteSection {
  root: HTMLElement
  cards: HTMLElement
  facts: HTMLElement
}

function matches(device: DeviceState, words: readonly string[]): boolean {
  const text = `${device.site} ${device.device} ${[...device.series.keys()].join(' ')}`.toLowerCase()
  return words.every((word) => text.includes(word))
}

const byName = (a: string, b: string) => a.localeCompare(b, 'en', { numeric: true })

/** Sites, their devices, each with its newest values, how fresh they are and whether any message is missing. */
export class FleetView implements View {
  readonly root = h('div', { class: 'fleet' })
  private readonly app: App
  private readonly filter = h('input', {
    type: 'search',
    placeholder: 'Filter by site, device or metric',
    'aria-label': 'Filter by site, device or metric',
  })
  private readonly summary = h('p', { class: 'fleet-summary' })
  private readonly body = h('div', { class: 'fleet-body' })
  private readonly sections = new Map<string, SiteSection>()
  private readonly cards = new Map<DeviceState, DeviceCard>()
  private readonly loader: SparkLoader
  private drawnShape = -1
  private readonly rebuild = () => this.layOut()
  private readonly refresh = () => this.drawFacts()

  constructor(app: App) {
    this.app = app
    this.loader = new SparkLoader(app, (series) => this.cardOf(series)?.changed(series))
    this.filter.value = app.route.query.q ?? ''
    this.filter.addEventListener('input', () => this.filtered())
    this.filter.addEventListener('keydown', (event) => {
      if (event.key === 'ArrowDown' || event.key === 'Enter') this.body.querySelector('a')?.focus()
    })
    focusByArrows(this.body, '.card h3 a')
    this.root.append(h('div', { class: 'fleet-head' }, this.summary, this.filter), this.body)
    this.layOut()
  }

  series(changed: readonly SeriesState[]): void {
    if (this.app.fleet.shape !== this.drawnShape) this.app.frames.add(this.rebuild)
    for (const series of changed) this.cardOf(series)?.changed(series)
  }

  route(): void {
    const { q = '' } = this.app.route.query
    if (q === this.filter.value) return
    this.filter.value = q
    this.relayOut()
  }

  search(): void {
    this.filter.focus()
    this.filter.select()
  }

  recovered(): void {
    this.loader.reloadAll()
  }

  theme(): void {
    for (const card of this.cards.values()) card.allChanged()
  }

  tick(): void {
    this.app.frames.add(this.refresh)
  }

  close(): void {
    this.loader.close()
  }

  private filtered(): void {
    const q = this.filter.value
    this.app.go(routeTo('fleet', q === '' ? {} : { q }), { step: false })
    this.relayOut()
  }

  private relayOut(): void {
    this.drawnShape = -1
    this.app.frames.add(this.rebuild)
  }

  private cardOf(series: SeriesState): DeviceCard | undefined {
    const device = this.app.fleet.device(series.site, series.device)
    return device && this.cards.get(device)
  }

  private wanted(): DeviceState[] {
    const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean)
    return [...this.app.fleet.sites.keys()].sort(byName).flatMap((site) => {
      const devices = [...(this.app.fleet.sites.get(site)?.values() ?? [])]
      return devices.filter((device) => matches(device, words)).sort((a, b) => byName(a.device, b.device))
    })
  }

  private layOut(): void {
    const { fleet } = this.app
    if (this.drawnShape === fleet.shape) return
    this.drawnShape = fleet.shape
    const wanted = this.wanted()
    const shown = new Set(wanted.slice(0, maxCards))
    for (const [device, card] of this.cards) {
      if (!shown.has(device)) this.drop(device, card)
    }
    for (const device of shown) this.place(device)
    this.dropEmptySections()
    this.showHint(wanted.length)
    this.drawFacts()
  }

  private place(device: DeviceState): void {
    let card = this.cards.get(device)
    if (!card) {
      card = new DeviceCard(this.app, device, this.loader)
      this.cards.set(device, card)
    }
    card.layOut()
    this.section(device.site).cards.append(card.root)
  }

  private drop(device: DeviceState, card: DeviceCard): void {
    card.root.remove()
    this.cards.delete(device)
  }

  private section(site: string): SiteSection {
    const known = this.sections.get(site)
    if (known) {
      if (!known.root.isConnected) this.body.append(known.root)
      return known
    }
    const facts = h('span', { class: 'site-facts' })
    const cards = h('div', { class: 'cards' })
    const id = `site-${site}`
    const heading = h('div', { class: 'site-head' }, h('h2', { id }, site), facts)
    const root = h('section', { class: 'site', 'aria-labelledby': id }, heading, cards)
    this.sections.set(site, { root, cards, facts })
    this.body.append(root)
    return { root, cards, facts }
  }

  private dropEmptySections(): void {
    for (const [site, { root, cards }] of this.sections) {
      if (cards.childElementCount > 0) continue
      root.remove()
      this.sections.delete(site)
    }
  }

  private showHint(found: number): void {
    this.body.querySelector('.hint')?.remove()
    const { fleet, seriesLoaded } = this.app
    if (fleet.series.size === 0) this.body.append(welcome(seriesLoaded))
    else if (found === 0)
      this.body.append(h('p', { class: 'hint' }, 'No device matches the filter. ', this.clearFilter()))
    else if (found > maxCards) {
      const text = `Showing ${maxCards} of ${found} devices. The filter above reaches the others.`
      this.body.append(h('p', { class: 'hint' }, text))
    }
  }

  private clearFilter(): HTMLButtonElement {
    return button('Show all', () => {
      this.filter.value = ''
      this.filter.dispatchEvent(new Event('input'))
    })
  }

  private drawFacts(): void {
    const { fleet, seriesLoaded } = this.app
    const empty = fleet.series.size === 0
    setText(this.summary, empty ? '' : describeFleet(fleet))
    this.root.classList.toggle('empty', empty)
    if (empty && seriesLoaded) this.showHint(0)
    this.drawSites(this.drawCards())
  }

  /** How many devices of each site are live. */
  private drawCards(): Map<string, number> {
    const live = new Map<string, number>()
    for (const [{ site }, card] of this.cards) {
      const count = card.drawFacts() === 'live' ? 1 : 0
      live.set(site, (live.get(site) ?? 0) + count)
    }
    return live
  }

  private drawSites(live: ReadonlyMap<string, number>): void {
    const state = this.app.connected ? 'live' : 'live when last known'
    for (const [site, { facts }] of this.sections) {
      const total = this.app.fleet.sites.get(site)?.size ?? 0
      setText(facts, `${live.get(site) ?? 0} of ${total} devices ${state}`)
    }
  }
}

function describeFleet(fleet: Fleet): string {
  const count = (of: number, word: string) => `${of} ${word}${of === 1 ? '' : 's'}`
  return `${count(fleet.sites.size, 'site')} · ${count(fleet.deviceCount(), 'device')} · ${fleet.series.size} series`
}
