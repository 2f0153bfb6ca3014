import type { ApiAlert } from '@millrace/contracts'
import { focusInOrder } from '../keys/arrow-focus.ts'
import { button, h } from '../view/dom.ts'
import { AlertRow } from './alert-row.ts'

const perPage = 50

/** Alerts in the order given. Rows that stay are the same elements, so that the focus stays where it is. */
export class AlertList {
  readonly root = h('div', { class: 'alert-list' })
  private readonly list = h('ul', { class: 'alerts' })
  private readonly more = button('', () => this.showMore(), { hidden: true, class: 'more' })
  private readonly rows = new Map<string, AlertRow>()
  private readonly changed: () => void
  private limit = perPage

  constructor(changed: () => void) {
    this.changed = changed
    this.root.append(this.list, this.more)
    focusInOrder(this.list, '.alert-open')
  }

  draw(alerts: readonly ApiAlert[], now: number): void {
    const shown = alerts.slice(0, this.limit)
    const named = new Set(shown.map(({ id }) => id))
    for (const [id, row] of this.rows) if (!named.has(id)) this.drop(id, row)
    for (const [index, alert] of shown.entries()) this.place(alert, index).update(alert, now)
    this.more.hidden = alerts.length <= shown.length
    this.more.textContent = `Show more (${alerts.length - shown.length})`
  }

  private drop(id: string, row: AlertRow): void {
    row.root.remove()
    this.rows.delete(id)
  }

  private place(alert: ApiAlert, index: number): AlertRow {
    const row = this.rows.get(alert.id) ?? new AlertRow(alert)
    this.rows.set(alert.id, row)
    if (this.list.children[index] !== row.root) this.list.insertBefore(row.root, this.list.children[index] ?? null)
    return row
  }

  private showMore(): void {
    this.limit += perPage
    this.changed()
  }
}
