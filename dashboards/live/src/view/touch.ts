import { dragged, type Fingers } from '../model/gesture.ts'
import type { Range, Span } from '../model/range.ts'

export interface TouchHost {
  span(): Span
  now(): number
  change(range: Range): void
}

/** Fingers on a plot: one moves the range, two zoom. A tap is left to the chart, up and down to the page. */
export class Touch {
  private readonly host: TouchHost
  private readonly fingers = new Map<number, number>()
  private over: Element | undefined
  private before: { fingers: Fingers; span: Span } | undefined
  private requested = false

  constructor(list: HTMLElement, host: TouchHost) {
    this.host = host
    list.addEventListener('pointerdown', (event) => this.down(event))
    list.addEventListener('pointermove', (event) => this.move(event))
    for (const type of ['pointerup', 'pointercancel'] as const) list.addEventListener(type, (event) => this.up(event))
  }

  private down(event: PointerEvent): void {
    const over = event.target instanceof Element ? event.target.closest('.u-over') : null
    if (event.pointerType !== 'touch' || !over || (this.over && this.over !== over)) return
    this.over = over
    this.fingers.set(event.pointerId, event.clientX)
    this.begin()
  }

  private move(event: PointerEvent): void {
    if (!this.fingers.has(event.pointerId)) return
    this.fingers.set(event.pointerId, event.clientX)
    if (this.requested) return
    this.requested = true
    requestAnimationFrame(() => this.apply())
  }

  private up(event: PointerEvent): void {
    if (!this.fingers.delete(event.pointerId)) return
    if (this.fingers.size === 0) this.over = undefined
    this.begin()
  }

  /** From here on the moments stay under the fingers that are down now. */
  private begin(): void {
    const fingers = this.places()
    this.before = fingers && { fingers, span: this.host.span() }
  }

  private places(): Fingers | undefined {
    if (!this.over) return undefined
    const { left, width } = this.over.getBoundingClientRect()
    const [first, second] = [...this.fingers.values()].map((x) => (x - left) / width)
    if (first === undefined) return undefined
    return second === undefined ? [first] : [first, second]
  }

  private apply(): void {
    this.requested = false
    const after = this.places()
    if (!this.before || !after) return
    this.host.change(dragged(this.before.span, { before: this.before.fingers, after }, this.host.now()))
  }
}
