import type { App } from '../app.ts'
import { h, setText } from '../view/dom.ts'

/** Says in the head of every view that a drill is running, and what it is doing. */
export class DrillNote {
  readonly root = h('p', { class: 'drill-note', role: 'status', hidden: true })

  draw(app: App): void {
    const running = app.clock.known ? app.marks.running('drill', app.now()) : undefined
    setText(this.root, running ? `Drill running: ${running.text}` : '')
    this.root.hidden = running === undefined
  }
}
