import { h } from '../view/dom.ts'
import { messageOf } from './refusal.ts'

export interface Action {
  label: string
  fields: readonly HTMLElement[]
  send(): Promise<void>
}

/** Fields and one button; while it is on its way it cannot be sent again, and a refusal is said below. */
export function actionForm({ label, fields, send }: Action): HTMLFormElement {
  const submit = h('button', { class: 'primary' }, label)
  const problem = h('p', { class: 'problem', role: 'alert', hidden: true })
  const form = h('form', { class: 'action' }, ...fields, submit, problem)
  const run = async () => {
    submit.disabled = true
    problem.hidden = true
    try {
      await send()
    } catch (error) {
      problem.textContent = messageOf(error)
      problem.hidden = false
    }
    submit.disabled = false
  }
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void run()
  })
  return form
}
