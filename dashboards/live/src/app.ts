import type { AccountsResponse, LiveReadingEvent, Mark, PipelineResponse, StatusBody } from '@millrace/contracts'
import { Address } from './address.ts'
import { AlertFeed } from './alerts/alert-feed.ts'
import { MarkBook } from './marks/mark-book.ts'
import { ServerClock } from './model/clock.ts'
import { Delay } from './model/delay.ts'
import { Fleet, type SeriesState } from './model/fleet.ts'
import type { Route } from './model/route.ts'
import { hourMs } from './model/step.ts'
import { api } from './net/api.ts'
import { LiveConnection, type LiveState } from './net/live.ts'
import { FrameQueue } from './view/frame.ts'
import { type Palette, readPalette } from './view/palette.ts'

/** What a part of the page may want to know; each is called outside a frame and must only schedule work. */
export interface Listener {
  series?(changed: readonly SeriesState[]): void
  accounts?(): void
  /** An alert, a silence or an evaluator has changed. */
  alerts?(): void
  /** Something happened beside the readings. */
  marks?(): void
  /** An agent has told its state, or is gone. */
  status?(): void
  connection?(): void
  /** The connection is back after a loss: fetch what was missed. */
  recovered?(): void
  theme?(): void
  route?(): void
  /** About four times a second, while the page is visible. */
  tick?(): void
}

const completenessSpanMs = hourMs
const clockPollMs = 2_000

/** The page's state and its connections. Views read it and are told when it changes. */
export class App {
  readonly fleet = new Fleet()
  readonly clock = new ServerClock()
  readonly frames = new FrameQueue()
  readonly listeners = new Set<Listener>()
  readonly live: LiveConnection
  accounts: AccountsResponse | undefined
  accountsError = false
  /** The newest answer of the view that asks for it; kept so that the next such view does not start empty. */
  pipeline: PipelineResponse | undefined
  readonly delay = new Delay()
  readonly alerts = new AlertFeed({ connected: () => this.connected, changed: () => this.tell('alerts') })
  readonly marks = new MarkBook()
  seriesLoaded = false
  palette: Palette = readPalette()
  route: Route
  /** Set by a view that shows the accounts of every device. */
  wantsDevices = false
  private readonly address = new Address(() => this.moved())
  /** The clock at the moment the connection was lost; while it is lost nothing grows older. */
  private frozenAt: number | undefined

  constructor() {
    this.route = this.address.read()
    this.live = new LiveConnection('api/live', {
      reading: (event) => this.arrived(event),
      summary: (event) => this.tell('series', this.fleet.putSummaries(event)),
      alert: (event) => this.alerts.arrived(event),
      status: (event) => this.said(event),
      mark: (mark) => this.marked([mark]),
      open: (again) => this.opened(again),
      state: (state) => this.stateChanged(state),
    })
  }

  start(): void {
    this.live.start()
    void this.pollClock()
    void this.pollAccounts()
    void this.pollCompleteness()
    void this.loadSeries()
    void this.loadMarks()
    this.alerts.start()
    setInterval(() => this.tell('tick'), 250)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.themeChanged())
  }

  get connected(): boolean {
    return this.live.state.kind === 'open'
  }

  /** The ingest's clock, epoch ms; it stands still while the connection is lost. */
  now(): number {
    return Math.floor(this.frozenAt ?? this.clock.now(Date.now()))
  }

  /** `step: false` changes the present place of the browser's history and makes no new one. */
  go(route: Route, options: { step?: boolean } = {}): void {
    this.route = route
    this.address.write(route, options)
    this.tell('route')
  }

  themeChanged(): void {
    this.palette = readPalette()
    this.tell('theme')
  }

  private moved(): void {
    this.route = this.address.read()
    this.tell('route')
    if (this.wantsDevices) void this.loadAccounts()
  }

  private tell<K extends keyof Listener>(event: K, ...args: Parameters<NonNullable<Listener[K]>>): void {
    for (const listener of this.listeners) {
      const handle = listener[event] as ((...values: typeof args) => void) | undefined
      handle?.apply(listener, args)
    }
  }

  private arrived(event: LiveReadingEvent): void {
    if (this.clock.known) this.delay.observe(event, this.clock.now(Date.now()))
    this.tell('series', this.fleet.putReadings(event))
  }

  private said(event: StatusBody): void {
    this.fleet.putStatus(event)
    this.tell('status')
  }

  private opened(again: boolean): void {
    this.frozenAt = undefined
    if (!again) return
    void this.loadSeries()
    void this.loadMarks()
    this.alerts.soon()
    this.tell('recovered')
  }

  private stateChanged(state: LiveState): void {
    if (state.kind === 'lost') this.frozenAt ??= this.clock.now(state.sinceMs)
    this.tell('connection')
  }

  private async loadSeries(): Promise<void> {
    try {
      this.fleet.putSeries(await api.series())
      this.seriesLoaded = true
      this.tell('series', [...this.fleet.series.values()])
    } catch {
      setTimeout(() => void this.loadSeries(), 2_000)
    }
  }

  private marked(marks: readonly Mark[]): void {
    this.marks.take(marks)
    this.tell('marks')
  }

  private async loadMarks(): Promise<void> {
    try {
      this.marked((await api.marks()).marks)
    } catch {
      setTimeout(() => void this.loadMarks(), 2_000)
    }
  }

  private async pollClock(): Promise<void> {
    const sentMs = Date.now()
    try {
      const { at, agents } = await api.status()
      this.clock.sample(at, (sentMs + Date.now()) / 2)
      for (const agent of agents) this.fleet.putStatus(agent)
    } catch {
      if (this.connected) this.live.lost()
    }
    setTimeout(() => void this.pollClock(), clockPollMs)
  }

  private async pollAccounts(): Promise<void> {
    const startMs = performance.now()
    await this.loadAccounts()
    const tookMs = performance.now() - startMs
    setTimeout(() => void this.pollAccounts(), Math.max(2_000, 20 * tookMs))
  }

  private async loadAccounts(): Promise<void> {
    try {
      this.accounts = await api.accounts(this.wantsDevices)
      this.accountsError = false
    } catch {
      this.accountsError = true
    }
    this.tell('accounts')
  }

  private async pollCompleteness(): Promise<void> {
    const startMs = performance.now()
    if (this.clock.known) {
      const now = this.now()
      await api.completeness(now - completenessSpanMs, now).then(
        ({ devices }) => this.fleet.putCompleteness(devices),
        () => undefined,
      )
    }
    const tookMs = performance.now() - startMs
    setTimeout(() => void this.pollCompleteness(), this.clock.known ? Math.max(5_000, 20 * tookMs) : 250)
  }
}
