import { button, h } from '../view/dom.ts'
import { type KeyGroup, keyGroups } from './key-list.ts'

function group({ title, keys }: KeyGroup): HTMLElement {
  const rows = keys.map(([key, does]) => h('div', {}, h('dt', {}, h('kbd', {}, key)), h('dd', {}, does)))
  return h('section', {}, h('h3', {}, title), h('dl', {}, ...rows))
}

/** The keys and gestures, in a dialog that keeps the focus until it is closed. */
export class Help {
  readonly root: HTMLDialogElement

  constructor() {
    const close = button('Close', () => this.root.close())
    const head = h('div', { class: 'help-head' }, h('h2', { id: 'help-title' }, 'Keys and gestures'), close)
    const groups = h('div', { class: 'help-groups' }, ...keyGroups.map(group))
    this.root = h('dialog', { class: 'help', 'aria-labelledby': 'help-title' }, head, groups)
    this.root.addEventListener('click', (event) => {
      // A click on the ground behind reaches the dialog itself.
      if (event.target === this.root) this.root.close()
    })
  }

  open(): void {
    if (!this.root.open) this.root.showModal()
  }
}
