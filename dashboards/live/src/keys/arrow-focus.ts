export interface Place {
  x: number
  y: number
}

export type Arrow = 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown'

/** Along the arrow, then across it, in that order of weight. */
function offset(from: Place, to: Place, arrow: Arrow): { along: number; across: number } {
  const [dx, dy] = [to.x - from.x, to.y - from.y]
  if (arrow === 'ArrowLeft') return { along: -dx, across: Math.abs(dy) }
  if (arrow === 'ArrowRight') return { along: dx, across: Math.abs(dy) }
  return { along: arrow === 'ArrowUp' ? -dy : dy, across: Math.abs(dx) }
}

/** Index of the place that lies next in the arrow's direction; undefined where none does. */
export function nearest(places: readonly Place[], from: Place, arrow: Arrow): number | undefined {
  let best: number | undefined
  let least = Number.POSITIVE_INFINITY
  places.forEach((place, index) => {
    const { along, across } = offset(from, place, arrow)
    if (along <= 1) return
    const sideways = arrow === 'ArrowLeft' || arrow === 'ArrowRight'
    // A row is left by the arrows up and down alone.
    if (sideways && across > 24) return
    const distance = along + 3 * across
    if (distance < least) {
      least = distance
      best = index
    }
  })
  return best
}

function placeOf(element: Element): Place {
  const { left, top } = element.getBoundingClientRect()
  return { x: left, y: top }
}

type Move = (places: readonly HTMLElement[], from: HTMLElement) => HTMLElement | undefined

function listen(host: HTMLElement, selector: string, moves: Readonly<Record<string, Move>>): void {
  host.addEventListener('keydown', (event) => {
    const { key, target } = event
    const move = moves[key]
    if (!move || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return
    if (!(target instanceof HTMLElement) || !target.matches(selector)) return
    const next = move([...host.querySelectorAll<HTMLElement>(selector)], target)
    if (!next) return
    event.preventDefault()
    next.focus()
  })
}

const towards =
  (arrow: Arrow): Move =>
  (elements, from) => {
    const others = elements.filter((element) => element !== from)
    return others[nearest(others.map(placeOf), placeOf(from), arrow) ?? -1]
  }

/** Moves the focus among the elements of a grid by the arrows, as they lie on the screen. */
export function focusByArrows(host: HTMLElement, selector: string): void {
  const arrows = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'] as const
  listen(host, selector, Object.fromEntries(arrows.map((arrow) => [arrow, towards(arrow)])))
}

/** Moves the focus from one element to the next, however they lie, by the arrows up and down. */
export function focusInOrder(host: HTMLElement, selector: string): void {
  listen(host, selector, {
    ArrowUp: (elements, from) => elements[elements.indexOf(from) - 1],
    ArrowDown: (elements, from) => elements[elements.indexOf(from) + 1],
  })
}
