import type { App, Listener } from '../app.ts'
import type { Route } from '../model/route.ts'

/** What fills the page below the accounts. A change of the query alone is told to it by `route`. */
export interface View extends Listener {
  readonly root: HTMLElement
  /** Where typing goes on `/`. */
  search?(): void
  close(): void
}

export interface Badge {
  count: number
  /** Said of the count, as in "2 active alerts". */
  words: string
  level: string
}

export interface ViewEntry {
  /** First part of the address. */
  id: string
  /** Name in the navigation; a view without one is reached from others. */
  label?: string
  title?(route: Route): string
  /** What stands beside its name in the navigation and in the title of the page. */
  badge?(app: App): Badge
  /** Undefined where the address does not name anything to show. */
  open(app: App, route: Route): View | undefined
}
