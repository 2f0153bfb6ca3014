import { type Route, readRoute, writeRoute } from './model/route.ts'

/** Browsers refuse an address that changes some 20 times a second. */
const writeEveryMs = 250
/** Changes of one view that follow each other sooner, as in a drag, are one step of the history. */
const oneStepMs = 1_000

const placeOf = ({ view, parts }: Route) => JSON.stringify([view, ...parts])

/** The address as a place in the browser's history, so that a view can be shared and gone back to. */
export class Address {
  private pending: ReturnType<typeof setTimeout> | undefined
  private lastMs = Number.NEGATIVE_INFINITY
  private next = ''

  constructor(changed: () => void) {
    addEventListener('hashchange', () => {
      this.drop()
      changed()
    })
  }

  read(): Route {
    return readRoute(location.hash)
  }

  /** `step: false` changes the present place of the history and makes no new one. */
  write(route: Route, { step = true }: { step?: boolean } = {}): void {
    const next = writeRoute(route)
    const present = this.pending === undefined ? location.hash : this.next
    const now = performance.now()
    const isStep = step && (now - this.lastMs > oneStepMs || placeOf(readRoute(present)) !== placeOf(route))
    this.lastMs = now
    if (isStep && next !== present) {
      this.flush()
      history.pushState(null, '', next)
      return
    }
    this.next = next
    this.pending ??= setTimeout(() => this.flush(), writeEveryMs)
  }

  private flush(): void {
    if (this.pending === undefined) return
    this.drop()
    history.replaceState(null, '', this.next)
  }

  private drop(): void {
    clearTimeout(this.pending)
    this.pending = undefined
  }
}
