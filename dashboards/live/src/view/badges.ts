import type { App } from '../app.ts'
import { h, setAttribute, setText } from './dom.ts'
import type { ViewEntry } from './view.ts'

/** Counts beside the names of views in the navigation. */
export class Badges {
  private readonly byEntry = new Map<ViewEntry, HTMLElement>()

  /** Answers with the sum of what is counted. */
  draw(app: App, links: ReadonlyMap<ViewEntry, HTMLElement>): number {
    let sum = 0
    for (const [entry, link] of links) {
      const badge = entry.badge?.(app)
      if (!badge) continue
      sum += badge.count
      const element = this.byEntry.get(entry) ?? h('span', { class: 'badge' })
      this.byEntry.set(entry, element)
      if (!element.isConnected) link.append(element)
      element.hidden = badge.count === 0
      setText(element, String(badge.count))
      setAttribute(element, 'aria-label', `${badge.count} ${badge.words}`)
      setAttribute(element, 'data-severity', badge.level)
    }
    return sum
  }
}
