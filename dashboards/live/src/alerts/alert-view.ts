import type { ApiAlert } from '@millrace/contracts'
import type { App } from '../app.ts'
import type { SeriesState } from '../model/fleet.ts'
import { formatLocal, formatSpan, formatUtc } from '../model/format.ts'
import { fixed } from '../model/range.ts'
import { deviceRoute, writeRoute } from '../model/route.ts'
import { api } from '../net/api.ts'
import { h, setAttribute, setText } from '../view/dom.ts'
import type { View } from '../view/view.ts'
import { Acknowledge } from './acknowledge.ts'
import { causes, describeChange, describeLate, describeValue, describeWhen, subjectOf } from './alert-words.ts'
import { EpisodeCharts } from './episode-charts.ts'
import { severityMark } from './severity.ts'
import { SilenceForm } from './silence-form.ts'

function moment(ms: number | null): HTMLElement {
  if (ms === null) return h('span', {}, 'not yet')
  return h('time', { title: formatUtc(ms), datetime: new Date(ms).toISOString() }, formatLocal(ms))
}

function factsOf(alert: ApiAlert): [name: string, value: Node | string][] {
  const { start, raised, end, learned, agent, rule, version, owner, labels } = alert
  const value = describeValue(alert)
  const told = Object.entries(labels).map(([name, label]) => `${name} ${label}`)
  const late = describeLate(alert)
  return [
    ['Began', moment(start)],
    ['Raised', moment(raised)],
    ['Ended', moment(end)],
    ['Learned', late === undefined ? moment(learned) : h('span', {}, moment(learned), ` (${late})`)],
    ...(value === '' ? [] : [['Worst value', value] as [string, string]]),
    ['Rule', `${rule}, version ${version}`],
    ['Judged', owner === 'edge' ? `at the edge${agent === null ? '' : `, by ${agent}`}` : 'in the cloud'],
    ...(told.length === 0 ? [] : [['Labels', told.join(', ')] as [string, string]]),
  ]
}

/** One alert: what, where, when, the chart of its episode, and what one can do about it. */
export class AlertView implements View {
  readonly root = h('div', { class: 'alert-view' })
  private readonly app: App
  private readonly id: string
  private alert: ApiAlert | undefined
  private readonly hint = h('p', { class: 'hint' }, 'Asking the ingest for this alert …')
  private readonly head = h('div', { class: 'alert-head' })
  private readonly lead = h('p', { class: 'lead' })
  private readonly facts = h('dl', { class: 'alert-facts' })
  private charts: EpisodeCharts | undefined
  private acknowledge: Acknowledge | undefined
  private silence: SilenceForm | undefined
  private readonly asking = new AbortController()
  private readonly update = () => this.draw()
  private drawn: ApiAlert | undefined

  constructor(app: App, id: string) {
    this.app = app
    this.id = id
    this.root.append(h('p', { class: 'back' }, h('a', { href: '#/alerts' }, '‹ All alerts')), this.hint)
    if (!app.alerts.book.find(id)) void this.fetch()
    this.alerts()
  }

  alerts(): void {
    this.app.frames.add(this.update)
  }

  series(changed: readonly SeriesState[]): void {
    this.charts?.arrived(changed)
  }

  recovered(): void {
    this.charts?.recover()
  }

  theme(): void {
    if (this.alert) this.charts?.update(this.alert)
  }

  tick(): void {
    this.charts?.tick()
    if (this.alert?.state === 'active') this.drawLead(this.alert)
  }

  close(): void {
    this.asking.abort()
    this.charts?.close()
  }

  private async fetch(): Promise<void> {
    try {
      const alert = await api.alert(this.id, this.asking.signal)
      this.app.alerts.arrived({ site: alert.site, alerts: [alert] })
    } catch {
      setText(this.hint, 'The ingest knows no such alert, or does not answer. It keeps alerts for 90 days.')
    }
  }

  private draw(): void {
    const alert = this.app.alerts.book.find(this.id)
    if (!alert) return
    this.alert = alert
    this.build(alert)
    this.silence?.draw(alert)
    if (alert === this.drawn) return
    this.drawn = alert
    this.acknowledge?.draw(alert)
    this.charts?.update(alert)
    this.drawHead(alert)
    this.drawLead(alert)
    const rows = factsOf(alert).map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value)))
    this.facts.replaceChildren(...rows)
  }

  private build(alert: ApiAlert): void {
    if (this.charts) return
    this.charts = new EpisodeCharts(this.app, alert)
    this.acknowledge = new Acknowledge(this.app, alert)
    this.silence = new SilenceForm(this.app, alert)
    const { name, meaning } = causes[alert.cause]
    const cause = h('p', { class: 'alert-cause' }, h('b', {}, name), `. ${meaning}`)
    const actions = h('div', { class: 'boxes' }, this.acknowledge.root, this.silence.root)
    this.hint.remove()
    this.root.append(this.head, this.lead, cause, this.charts.root, this.links(alert), this.facts, actions)
  }

  private links({ device, site }: ApiAlert): HTMLElement {
    if (device === null) return h('p', { class: 'chart-link' }, h('a', { href: '#/pipeline' }, 'Look at the pipeline'))
    const { from, to } = this.charts!.span()
    const href = writeRoute(deviceRoute({ site, device, range: fixed(from, to) }))
    return h('p', { class: 'chart-link' }, h('a', { href }, `All of ${device} at that time`))
  }

  private drawHead(alert: ApiAlert): void {
    const state = { active: 'Active', cleared: 'Over', withdrawn: 'Withdrawn' }[alert.state]
    setAttribute(this.root, 'data-severity', alert.severity)
    setAttribute(this.root, 'data-state', alert.state)
    const line = h('p', { class: 'alert-line' }, severityMark(alert.severity), h('b', { class: 'alert-state' }, state))
    this.head.replaceChildren(line, h('h1', {}, alert.message), h('p', { class: 'alert-subject' }, subjectOf(alert)))
  }

  private drawLead(alert: ApiAlert): void {
    const now = this.app.now()
    const pending = formatSpan(Math.max(0, alert.raised - alert.start))
    const when = describeWhen(alert, now).replace(/^./, (letter) => letter.toUpperCase())
    setText(this.lead, `${when}; raised ${pending} after its begin. ${describeChange(alert, now)}`)
  }
}
