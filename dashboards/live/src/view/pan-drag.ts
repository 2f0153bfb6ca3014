/** Shift-drag moves the axis; plain drag is left to the chart, which zooms. `move` gets a fraction of the width. */
export function panByDragging(host: HTMLElement, move: (fraction: number) => void): void {
  host.addEventListener(
    'mousedown',
    (event) => {
      const over = event.target instanceof Element ? event.target.closest('.u-over') : null
      if (!over || event.button !== 0 || !event.shiftKey) return
      event.preventDefault()
      event.stopPropagation()
      follow(over.clientWidth, event.clientX, move)
    },
    { capture: true },
  )
}

function follow(width: number, startX: number, move: (fraction: number) => void): void {
  let lastX = startX
  let pending = 0
  const flush = () => {
    if (pending !== 0) move(pending)
    pending = 0
  }
  const moved = (event: MouseEvent) => {
    if (pending === 0) requestAnimationFrame(flush)
    pending += (lastX - event.clientX) / width
    lastX = event.clientX
  }
  const ended = () => {
    removeEventListener('mousemove', moved)
    removeEventListener('mouseup', ended)
    flush()
  }
  addEventListener('mousemove', moved)
  addEventListener('mouseup', ended)
}
