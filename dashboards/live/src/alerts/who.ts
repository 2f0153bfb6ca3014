import { h } from '../view/dom.ts'

const key = 'millrace-name'
const inputs = new Set<HTMLInputElement>()

/** The name told in one field is the name in all of them, and is kept in this browser alone. */
function told(name: string): void {
  localStorage.setItem(key, name)
  for (const input of inputs) {
    if (!input.isConnected) inputs.delete(input)
    else if (input.value !== name) input.value = name
  }
}

/** Asks for the name that stands beside what one does. */
export function nameField(id: string): { root: HTMLElement; value(): { by?: string } } {
  const known = localStorage.getItem(key) ?? undefined
  const input = h('input', { id, maxlength: 64, autocomplete: 'name', value: known })
  inputs.add(input)
  input.addEventListener('input', () => told(input.value))
  const value = () => (input.value.trim() === '' ? {} : { by: input.value.trim() })
  return { root: h('p', { class: 'field' }, h('label', { for: id }, 'Your name'), input), value }
}
