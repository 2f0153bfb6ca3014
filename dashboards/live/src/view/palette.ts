const names = [
  'ink',
  'muted',
  'line',
  'panel',
  'water',
  'water-soft',
  'p95',
  'open',
  'open-soft',
  'open-wash',
  'stale',
  'bad',
  'mark',
] as const

export type Palette = Record<(typeof names)[number], string>

/** The stylesheet's colours, resolved for the theme in force, for drawing on a canvas. */
export function readPalette(): Palette {
  const probe = document.createElement('span')
  document.body.append(probe)
  const entries = names.map((name) => {
    probe.style.color = `var(--${name})`
    return [name, getComputedStyle(probe).color] as const
  })
  probe.remove()
  return Object.fromEntries(entries) as Palette
}

const key = 'millrace-theme'
export type Theme = 'auto' | 'light' | 'dark'

export function readTheme(): Theme {
  const stored = localStorage.getItem(key)
  return stored === 'light' || stored === 'dark' ? stored : 'auto'
}

export function applyTheme(theme: Theme): void {
  if (theme === 'auto') localStorage.removeItem(key)
  else localStorage.setItem(key, theme)
  document.documentElement.dataset.theme = theme
}
