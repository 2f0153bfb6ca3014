import type { AccountsResponse, DeviceAccounts } from '@millrace/contracts'
import type { App } from '../app.ts'
import { countedOf, describeReasons, termsOf, verdictOf } from '../model/accounts.ts'
import { formatCount, formatPercent } from '../model/format.ts'
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

/** What the numbers come to, in plain words; loud where something is lost. */
function sentence(accounts: AccountsResponse): HTMLElement {
  const { level, text } = verdictOf(accounts)
  const what = level === 'bad' ? `${text} The rows below that are marked say where; please report it as a fault.` : text
  return h('p', { class: 'accounts-verdict', 'data-level': level, role: level === 'bad' ? 'alert' : undefined }, what)
}

/** Beside the accounts, not among their terms: these readings are in all of them. */
function outside({ total }: AccountsResponse): HTMLElement {
  const share = formatPercent(total.qos0, total.accepted)
  const text =
    total.qos0 === 0
      ? 'No reading came with QoS 0: all of them are within the promise.'
      : `${share} of them (${formatCount(total.qos0)}) came with QoS 0. They are counted like all others, but nobody repeats one that is lost on its way to the agent.`
  return h('p', { class: 'outside' }, h('b', {}, 'Outside the promise: '), text)
}

function custody({ total, stores }: AccountsResponse): HTMLElement {
  const behind = stores.map(({ type, behind, error }) =>
    fact(
      `store ${type}`,
      formatCount(behind),
      error ? `rows behind. ${error}` : 'rows on disk that it has not taken yet.',
    ),
  )
  const compared = stores.map(({ type, unaccounted = 0, checked = 0 }) =>
    fact(
      `${type} differs`,
      formatCount(unaccounted),
      checked === 0
        ? 'readings from what the ingest holds on disk. Nothing was compared yet.'
        : `readings from what the ingest holds on disk. Must be 0. Compared since the start, again after each change: ${formatCount(checked)}.`,
    ),
  )
  const { gaveUpUpstream = 0 } = total
  const meaning = 'Messages that full agents dropped, as they were told to.'
  const givenUp = gaveUpUpstream === 0 ? [] : [fact('given up', formatCount(gaveUpUpstream), meaning)]
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
    ...givenUp,
    fact('dead letters', formatCount(total.deadLetters), 'Messages set aside at the ingest.'),
    ...behind,
    ...compared,
  )
}

function deviceRow(device: DeviceAccounts): HTMLElement {
  const reasons = [describeReasons(device.invalid), describeReasons(device.dropped)].filter(Boolean).join('; ')
  const counts = [
    device.accepted,
    ...termsOf(countedOf(device)).map(({ count }) => count),
    device.unaccounted,
    device.qos0,
  ]
  return h(
    'tr',
    { 'data-bad': device.unaccounted !== 0 },
    h('th', { scope: 'row' }, `${device.site} / ${device.device}`),
    ...counts.map((count) => h('td', { 'data-zero': count === 0 ? 'true' : undefined }, formatCount(count))),
    h('td', { class: 'reasons' }, reasons),
  )
}

function deviceTable({ devices }: AccountsResponse): HTMLElement {
  const columns = [
    'device',
    'accepted',
    'closed',
    'open',
    'duplicate',
    'too late',
    'invalid',
    'dropped',
    'unaccounted',
    'QoS 0',
  ]
  const head = h('tr', {}, ...[...columns, 'reasons'].map((name) => h('th', { scope: 'col' }, name)))
  const rows = devices.slice(0, maxDevices).map(deviceRow)
  const more =
    devices.length > maxDevices ? `The first ${maxDevices} of ${devices.length} devices.` : 'Every device and spool.'
  return h(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Accounts of every device' },
    h('table', {}, h('caption', {}, more), h('thead', {}, head), h('tbody', {}, ...rows)),
  )
}

/** The accounts in full: the equation, what is outside the promise, who holds what, every device. */
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
    const { accounts } = this.app
    if (!accounts || this.root.contains(document.getSelection()?.anchorNode ?? null)) return
    const before = this.root.querySelector('.scroll')
    const [scrolled, focused] = [before?.scrollLeft ?? 0, before === document.activeElement]
    this.root.replaceChildren(
      h('h1', {}, 'Where every reading is'),
      h('p', { class: 'lead' }, 'What the agents accepted, in readings, and what became of each one.'),
      sentence(accounts),
      equation(accounts),
      outside(accounts),
      h('h2', {}, 'From the agents to the stores'),
      custody(accounts),
      h('h2', {}, 'Device by device'),
      deviceTable(accounts),
    )
    const scroll = this.root.querySelector('.scroll')
    if (!(scroll instanceof HTMLElement)) return
    scroll.scrollLeft = scrolled
    if (focused) scroll.focus()
  }
}
