export interface ShortcutHost {
  help(): void
  search(): void
  /** Opens the view at this place of the navigation, from 0. */
  view(place: number): void
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, textarea, select, [contenteditable]')
}

function actionOf(key: string, host: ShortcutHost): (() => void) | undefined {
  if (key === '?') return () => host.help()
  if (key === '/') return () => host.search()
  if (/^[1-9]$/.test(key)) return () => host.view(Number(key) - 1)
  return undefined
}

const isOurs = ({ defaultPrevented, ctrlKey, metaKey, altKey }: KeyboardEvent) =>
  !(defaultPrevented || ctrlKey || metaKey || altKey)

/** Keys that act wherever the focus is, but for fields one types in and dialogs. */
export function listenForShortcuts(host: ShortcutHost): void {
  addEventListener('keydown', (event) => {
    const { key, target } = event
    if (isTyping(target)) {
      if (key === 'Escape') (target as HTMLElement).blur()
      return
    }
    const action = isOurs(event) && !document.querySelector('dialog[open]') ? actionOf(key, host) : undefined
    if (!action) return
    event.preventDefault()
    action()
  })
}
