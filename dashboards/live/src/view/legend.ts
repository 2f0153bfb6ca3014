import { h } from './dom.ts'

/** What the charts of a device are made of. */
export function legend(): HTMLElement {
  const entry = (name: string, text: string) => h('li', {}, h('i', { class: `key key-${name}` }), text)
  return h(
    'ul',
    { class: 'legend', 'aria-label': 'Legend' },
    entry('mean', 'mean of a window'),
    entry('band', 'lowest to highest'),
    entry('p95', 'p95'),
    entry('open', 'open window, may still change'),
    entry('live', 'live readings'),
    entry('alert', 'an alert, flag where it was raised'),
    entry('mark', 'a mark: a drill, a deployment, a note'),
    h('li', { class: 'legend-help' }, 'Drag to zoom, double-click to undo, ? for all keys'),
  )
}
