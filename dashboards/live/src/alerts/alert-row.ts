import type { ApiAlert } from '@millrace/contracts'
import { h, setAttribute, setText } from '../view/dom.ts'
import { alertHref, causes, describeLate, describeWhen, subjectOf } from './alert-words.ts'
import { severityMark } from './severity.ts'

/** Short words beside an alert, each with a sentence for who points at it. */
function tagsOf(alert: ApiAlert): { kind: string; text: string; title: string }[] {
  const { cause, acknowledged, silencedBy, movedFrom, state } = alert
  const late = describeLate(alert)
  return [
    { kind: 'cause', text: causes[cause].name, title: causes[cause].meaning },
    ...(state === 'withdrawn'
      ? [{ kind: 'withdrawn', text: 'Withdrawn', title: 'Late data showed it never was.' }]
      : []),
    ...(movedFrom ? [{ kind: 'moved', text: 'Moved', title: 'Late data moved its start.' }] : []),
    ...(late ? [{ kind: 'late', text: late, title: 'Its data came late.' }] : []),
    ...(acknowledged
      ? [{ kind: 'seen', text: `${acknowledged.by} is on it`, title: acknowledged.note || 'Acknowledged' }]
      : []),
    ...(silencedBy ? [{ kind: 'silenced', text: 'Silenced', title: 'Nobody is told of it.' }] : []),
  ]
}

/** One alert in a list; its whole surface leads to the detail. */
export class AlertRow {
  readonly root: HTMLElement
  private readonly link: HTMLAnchorElement
  private readonly mark = h('div', { class: 'alert-mark' })
  private readonly subject = h('p', { class: 'alert-subject' })
  private readonly when = h('p', { class: 'alert-when' })
  private readonly tags = h('ul', { class: 'tags' })
  private drawn = ''

  constructor({ id }: ApiAlert) {
    this.link = h('a', { class: 'alert-open', href: alertHref(id) })
    const text = h('div', { class: 'alert-text' }, h('h3', {}, this.link), this.subject)
    this.root = h('li', { class: 'alert' }, this.mark, text, this.when, this.tags)
  }

  update(alert: ApiAlert, now: number): void {
    setText(this.when, describeWhen(alert, now))
    const next = JSON.stringify(alert)
    if (next === this.drawn) return
    this.drawn = next
    setAttribute(this.root, 'data-severity', alert.severity)
    setAttribute(this.root, 'data-state', alert.state)
    setAttribute(this.root, 'data-handled', String(alert.acknowledged !== null || alert.silencedBy !== null))
    this.mark.replaceChildren(severityMark(alert.severity))
    setText(this.link, alert.message)
    setText(this.subject, `${subjectOf(alert)} · ${alert.rule}`)
    this.tags.replaceChildren(
      ...tagsOf(alert).map(({ kind, text, title }) => h('li', { 'data-kind': kind, title }, text)),
    )
  }
}
