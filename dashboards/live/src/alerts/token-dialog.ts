import { button, h } from '../view/dom.ts'

/** Asks for the token of the ingest; undefined where none is given. It is kept nowhere but in this page. */
export async function askToken(again: boolean): Promise<string | undefined> {
  const input = h('input', { type: 'password', id: 'token', autocomplete: 'off', required: true })
  const why = again
    ? 'That token was not the right one.'
    : 'Whoever runs the ingest has it; it stands in the file that http.tokenFile names.'
  const dialog = h('dialog', { class: 'help ask', 'aria-labelledby': 'token-title' })
  const form = h(
    'form',
    { method: 'dialog' },
    h('h2', { id: 'token-title' }, 'This ingest asks for a token'),
    h('p', {}, why),
    h('label', { for: 'token' }, 'Token'),
    input,
    h('div', { class: 'actions' }, h('button', { value: 'yes', class: 'primary' }, 'Go on'), cancel(dialog)),
  )
  dialog.append(form)
  document.body.append(dialog)
  dialog.showModal()
  await new Promise((resolve) => dialog.addEventListener('close', resolve, { once: true }))
  dialog.remove()
  return dialog.returnValue === 'yes' && input.value !== '' ? input.value : undefined
}

const cancel = (dialog: HTMLDialogElement) => button('Cancel', () => dialog.close())
