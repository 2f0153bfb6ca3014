import type { App, Listener } from '../app.ts'
import { type Term, termsOf, verdictOf } from '../model/accounts.ts'
import { formatCount } from '../model/format.ts'
import { h, setAttribute, setText } from './dom.ts'
import { describeQos0, qos0Meaning } from './equation.ts'

interface Cell {
  root: HTMLElement
  count: HTMLElement
}

function cell(sign: string, label: string, title: string): Cell {
  const count = h('b', { class: 'ledger-count' }, '–')
  const root = h(
    'div',
    { class: 'ledger-term', title },
    h('span', { class: 'ledger-sign', 'aria-hidden': true }, sign),
    h('span', { class: 'ledger-text' }, count, h('span', { class: 'ledger-label' }, label)),
  )
  return { root, count }
}

const noCounts = { closed: 0, open: 0, duplicate: 0, tooLate: 0, invalid: 0, dropped: 0 }

/** The accounts as one equation, always in sight: what came in equals what became of it. */
export class Ledger implements Listener {
  readonly root: HTMLElement
  private readonly app: App
  private readonly accepted = cell('', 'readings accepted', 'Every reading the agents took on and acknowledged.')
  private readonly terms = new Map<Term['id'], Cell>()
  private readonly verdict = h('p', { class: 'ledger-verdict', role: 'status' }, 'Reading the accounts …')
  private readonly qos0 = h('p', { class: 'ledger-aside', title: qos0Meaning, hidden: true })
  private readonly update = () => this.draw()

  constructor(app: App) {
    this.app = app
    for (const { id, label, meaning } of termsOf(noCounts)) {
      this.terms.set(id, cell(this.terms.size === 0 ? '=' : '+', label, meaning))
    }
    const cells = [...this.terms.values()].map(({ root }) => root)
    this.root = h(
      'section',
      { class: 'ledger', 'aria-label': 'Accounts' },
      h('div', { class: 'ledger-equation' }, this.accepted.root, ...cells),
      h('div', { class: 'ledger-end' }, this.verdict, this.qos0),
    )
  }

  accounts(): void {
    this.app.frames.add(this.update)
  }

  connection(): void {
    this.app.frames.add(this.update)
  }

  private draw(): void {
    const { accounts } = this.app
    if (!accounts) {
      if (this.app.accountsError) setText(this.verdict, 'The accounts cannot be read at the moment.')
      return
    }
    setText(this.accepted.count, formatCount(accounts.total.accepted))
    for (const { id, count } of termsOf(accounts.total)) {
      const term = this.terms.get(id)
      if (!term) continue
      setText(term.count, formatCount(count))
      setAttribute(term.root, 'data-zero', String(count === 0))
    }
    this.qos0.hidden = accounts.total.qos0 === 0
    setText(this.qos0, describeQos0(accounts.total))
    const verdict = this.app.connected ? verdictOf(accounts) : undefined
    setText(this.verdict, verdict ? verdict.text : 'As last known; the connection is lost.')
    setAttribute(this.verdict, 'data-level', verdict?.level ?? 'stale')
  }
}
