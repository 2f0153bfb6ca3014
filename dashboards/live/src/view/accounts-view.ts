import type { AccountsResponse, DeviceAccounts, StatusBody } from '@millrace/contracts'
import type { App } from '../app.ts'
import { countedOf, describeReasons, termsOf } from '../model/accounts.ts'
import { formatCount, formatLocalTime } from '../model/format.ts'
import { h } from './dom.ts'
import type { View } from './view.ts'

const maxDevices = 500

function fact(label: string, count: string, meaning: string): HTMLElement {
  return h('div', { class: 'fact' }, h('dt', {}, label), h('dd', {}, h('b', {}, count), h('span', {}, meaning)))
}

function equation({ total }: AccountsResponse): HTMLElement {
  const terms = termsOf(total).map(({ label, count, meaning }) => fact(label, formatCount(count), meaning))
  return h(
    'dl',
    { class: 'facts' },
    fact('accepted', formatCount(total.accepted), 'Readings the agents took on and acknowledged.'),
    ...terms,
    fact(
      'unaccounted',
      formatCount(total.unaccounted),
      'What is left of accepted when all of these are taken off. Must be 0.',
    ),
  )
}

function custody({ total, stores }: AccountsResponse): HTMLElement {
  const behind = stores.map(({ type, behind, error }) =>
    fact(
      `store ${type}`,
      formatCount(behind),
      error ? `rows behind. ${error}` : 'rows on disk that it has not taken yet.',
    ),
  )
  return h(
    'dl',
    { class: 'facts' },
    fact('sent', formatCount(total.sent), 'Readings in the windows the agents have sent.'),
    fact('held', formatCount(total.held), 'Readings in the windows the ingest holds.'),
    fact('refused', formatCount(total.refused), 'Readings in windows the ingest set aside, with a reason.'),
    fact('mismatch', formatCount(total.mismatch), 'By how much sent differs from held and refused. Must be 0.'),
    fact(
      'on the way',
      formatCount(total.missingUpstream),
      'Messages whose numbers are missing between those received.',
    ),
    fact('dead letters', formatCount(total.deadLetters), 'Messages set aside at the ingest.'),
    fact('outside the promise', formatCount(total.qos0), 'Accepted with QoS 0: nobody would have repeated them.'),
    ...behind,
  )
}

function deviceRow(device: DeviceAccounts): HTMLElement {
  const reasons = [describeReasons(device.invalid), describeReasons(device.dropped)].filter(Boolean).join('; ')
  const counts = [device.accepted, ...termsOf(countedOf(device)).map(({ count }) => count), device.unaccounted]
  return h(
    'tr',
    { 'data-bad': device.unaccounted !== 0 },
    h('th', { scope: 'row' }, `${device.site} / ${device.device}`),
    ...counts.map((count) => h('td', { 'data-zero': count === 0 ? 'true' : undefined }, formatCount(count))),
    h('td', { class: 'reasons' }, reasons),
  )
}

function deviceTable({ devices }: AccountsResponse): HTMLElement {
  const columns = ['device', 'accepted', 'closed', 'open', 'duplicate', 'too late', 'invalid', 'dropped', 'unaccounted']
  const head = h('tr', {}, ...[...columns, 'reasons'].map((name) => h('th', { scope: 'col' }, name)))
  const rows = devices.slice(0, maxDevices).map(deviceRow)
  const more =
    devices.length > maxDevices ? `The first ${maxDevices} of ${devices.length} devices.` : 'Every device and spool.'
  return h(
    'div',
    { class: 'scroll' },
    h('table', {}, h('caption', {}, more), h('thead', {}, head), h('tbody', {}, ...rows)),
  )
}

function agentLine(agent: StatusBody): HTMLElement {
  const since = agent.at === undefined ? '' : `, last heard ${formatLocalTime(agent.at)}`
  const name = h('b', {}, `${agent.site} / ${agent.agent}`)
  return h('li', { 'data-online': agent.online }, name, ` ${agent.online ? 'online' : 'offline'}${since}`)
}

/** The accounts in full: the equation, who holds what, every device, the agents. */
export class AccountsView implements View {
  readonly root = h('div', { class: 'accounts' }, h('p', { class: 'hint loading' }, 'Reading the accounts …'))
  private readonly app: App
  private readonly update = () => this.draw()

  constructor(app: App) {
    this.app = app
    app.wantsDevices = true
    this.draw()
  }

  accounts(): void {
    this.app.frames.add(this.update)
  }

  close(): void {
    this.app.wantsDevices = false
  }

  private draw(): void {
    const { accounts, fleet } = this.app
    if (!accounts || this.root.contains(document.getSelection()?.anchorNode ?? null)) return
    const scrolled = this.root.querySelector('.scroll')?.scrollLeft ?? 0
    const agents = [...fleet.agents.values()].map(agentLine)
    this.root.replaceChildren(
      h('h1', {}, 'Where every reading is'),
      h('p', { class: 'lead' }, 'What the agents accepted, in readings, and what became of each one.'),
      equation(accounts),
      h('h2', {}, 'From the agents to the stores'),
      custody(accounts),
      h('h2', {}, 'Agents'),
      h('ul', { class: 'agents' }, ...(agents.length > 0 ? agents : [h('li', {}, 'No agent has been heard yet.')])),
      h('h2', {}, 'Device by device'),
      deviceTable(accounts),
    )
    const scroll = this.root.querySelector('.scroll')
    if (scroll) scroll.scrollLeft = scrolled
  }
}
