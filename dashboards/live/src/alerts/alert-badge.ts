import type { ApiAlert } from '@millrace/contracts'
import { h, setAttribute } from '../view/dom.ts'
import { alertHref } from './alert-words.ts'
import { severityIcon } from './severity.ts'

/** How many alerts of something are active, in the colour and shape of the most urgent; leads to it. */
export class AlertBadge {
  readonly root = h('a', { class: 'alert-badge', hidden: true })
  private drawn = ''

  /** Most urgent first. */
  draw(alerts: readonly ApiAlert[]): void {
    const [first] = alerts
    const next = first ? `${first.id} ${first.severity} ${alerts.length}` : ''
    if (next === this.drawn) return
    this.drawn = next
    this.root.hidden = first === undefined
    if (!first) return
    const more = alerts.length > 1 ? ` and ${alerts.length - 1} more` : ''
    setAttribute(this.root, 'href', alertHref(first.id))
    setAttribute(this.root, 'data-severity', first.severity)
    setAttribute(this.root, 'title', `${first.severity}: ${first.message}${more}`)
    setAttribute(this.root, 'aria-label', `Alert, ${first.severity}: ${first.message}${more}`)
    this.root.replaceChildren(severityIcon(first.severity), alerts.length > 1 ? String(alerts.length) : '')
  }
}
