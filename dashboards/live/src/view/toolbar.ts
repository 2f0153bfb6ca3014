import { focusByArrows } from '../keys/arrow-focus.ts'
import { fixed, pan, type Range, type Span, scale } from '../model/range.ts'
import { presets } from '../model/step.ts'
import { button, h, setAttribute } from './dom.ts'

export interface ToolbarHost {
  range(): Range
  span(): Span
  now(): number
  change(range: Range): void
  jump(): void
  reset(): void
}

const pad = (value: number) => String(value).padStart(2, '0')

/** Local time in the form `<input type="datetime-local">` takes. */
function toInput(ms: number): string {
  const at = new Date(ms)
  const date = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`
  return `${date}T${pad(at.getHours())}:${pad(at.getMinutes())}`
}

/** Ranges up to now, absolute ranges, steps to either side. */
export class Toolbar {
  readonly root: HTMLElement
  private readonly host: ToolbarHost
  private readonly choices = new Map<number, HTMLButtonElement>()
  private readonly from = h('input', { type: 'datetime-local', 'aria-label': 'From, local time' })
  private readonly to = h('input', { type: 'datetime-local', 'aria-label': 'To, local time' })
  private readonly follow: HTMLButtonElement

  constructor(host: ToolbarHost) {
    this.host = host
    for (const { label, spanMs } of presets) {
      const choose = button(label, () => host.change({ kind: 'follow', spanMs }))
      this.choices.set(spanMs, choose)
    }
    this.follow = button('Now', () => this.toNow(), { title: 'Follow the newest readings' })
    this.root = h(
      'div',
      { class: 'toolbar', role: 'toolbar', 'aria-label': 'Time range' },
      h('div', { class: 'group presets' }, ...this.choices.values()),
      this.movers(),
      this.absolute(),
    )
    focusByArrows(this.root, 'button')
  }

  draw(): void {
    const range = this.host.range()
    for (const [spanMs, choice] of this.choices) {
      setAttribute(choice, 'aria-pressed', String(range.kind === 'follow' && range.spanMs === spanMs))
    }
    setAttribute(this.follow, 'aria-pressed', String(range.kind === 'follow'))
    if (this.root.contains(document.activeElement) && document.activeElement instanceof HTMLInputElement) return
    const { from, to } = this.host.span()
    const [start, end] = [toInput(from), toInput(to)]
    if (this.from.value !== start) this.from.value = start
    if (this.to.value !== end) this.to.value = end
  }

  private movers(): HTMLElement {
    const move = (change: (range: Range, now: number) => Range) => () =>
      this.host.change(change(this.host.range(), this.host.now()))
    return h(
      'div',
      { class: 'group' },
      button(
        '‹',
        move((range, now) => pan(range, -0.5, now)),
        { 'aria-label': 'Earlier', title: 'Earlier (Shift ←)' },
      ),
      button(
        '›',
        move((range, now) => pan(range, 0.5, now)),
        { 'aria-label': 'Later', title: 'Later (Shift →)' },
      ),
      button(
        '−',
        move((range, now) => scale(range, 2, now)),
        { 'aria-label': 'Zoom out', title: 'Zoom out (−)' },
      ),
      button(
        '+',
        move((range, now) => scale(range, 0.5, now)),
        { 'aria-label': 'Zoom in', title: 'Zoom in (+)' },
      ),
      button('Reset', () => this.host.reset(), { title: 'Undo zooming and moving (0)' }),
      this.follow,
      button('Jump to data', () => this.host.jump(), { title: 'Show the newest readings there are' }),
    )
  }

  private absolute(): HTMLElement {
    const form = h(
      'form',
      { class: 'group absolute' },
      this.from,
      h('span', {}, 'to'),
      this.to,
      h('button', {}, 'Show'),
    )
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      const [from, to] = [new Date(this.from.value).getTime(), new Date(this.to.value).getTime()]
      if (Number.isFinite(from) && Number.isFinite(to) && from !== to) this.host.change(fixed(from, to))
    })
    // On a phone they are asked for, elsewhere always there.
    const open = matchMedia('(min-width: 721px)').matches
    return h('details', { class: 'dates', open }, h('summary', {}, 'From and to'), form)
  }

  private toNow(): void {
    const { from, to } = this.host.span()
    this.host.change({ kind: 'follow', spanMs: to - from })
  }
}
