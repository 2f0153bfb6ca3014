import type { ApiAlert } from '@millrace/contracts'
import type { App } from '../app.ts'
import { button, h } from '../view/dom.ts'
import { actionForm } from './action-form.ts'
import { formatMoment } from './alert-words.ts'
import { messageOf } from './refusal.ts'
import { nameField } from './who.ts'

/** Says that somebody is on it, with a note; and takes that back. */
export class Acknowledge {
  readonly root = h('section', { class: 'box', 'aria-label': 'Acknowledgement' })
  private readonly app: App
  private readonly id: string
  private drawn: string | undefined

  constructor(app: App, { id }: ApiAlert) {
    this.app = app
    this.id = id
  }

  draw({ acknowledged, state }: ApiAlert): void {
    const next = JSON.stringify([acknowledged, state])
    if (next === this.drawn) return
    this.drawn = next
    this.root.hidden = acknowledged === null && state !== 'active'
    this.root.replaceChildren(h('h2', {}, 'Acknowledge'), ...(acknowledged ? this.done(acknowledged) : this.form()))
  }

  private done({ by, atMs, note }: NonNullable<ApiAlert['acknowledged']>): HTMLElement[] {
    const problem = h('p', { class: 'problem', role: 'alert', hidden: true })
    const undo = async () => {
      try {
        await this.app.alerts.acknowledge(this.id, { undo: true })
      } catch (error) {
        problem.textContent = messageOf(error)
        problem.hidden = false
      }
    }
    const said = h('p', {}, h('b', {}, by), ` is on it since ${formatMoment(atMs, this.app.now())}. No more reminders.`)
    const quote = note === '' ? [] : [h('blockquote', {}, note)]
    return [said, ...quote, button('Take it back', () => void undo()), problem]
  }

  private form(): HTMLElement[] {
    const note = h('textarea', {
      id: 'ack-note',
      rows: 2,
      maxlength: 1_024,
      placeholder: 'What you know or do about it',
    })
    const name = nameField('ack-name')
    const field = h('p', { class: 'field' }, h('label', { for: 'ack-note' }, 'Note'), note)
    const send = () => this.app.alerts.acknowledge(this.id, { note: note.value.trim(), ...name.value() })
    const why = h(
      'p',
      { class: 'aside' },
      'Tells everyone that somebody is on it. Reminders stop; its end is still told.',
    )
    return [why, actionForm({ label: 'Acknowledge', fields: [field, name.root], send })]
  }
}
