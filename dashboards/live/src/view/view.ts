import type { App, Listener } from '../app.ts'
import type { Route } from '../model/route.ts'

/** What fills the page below the accounts. A change of the query alone is told to it by `route`. */
export interface View extends Listener {
  readonly root: HTMLElement
  /** Where typing goes on `/`. */
  search?(): void
  close(): void
}

export interface ViewEntry {
  /** First part of the address. */
  id: string
  /** Name in the navigation; a view without one is reached from others. */
  label?: string
  title?(route: Route): string
  /** Undefined where the address does not name anything to show. */
  open(app: App, route: Route): View | undefined
}
