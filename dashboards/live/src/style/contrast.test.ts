import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

const css = await readFile(new URL('theme.css', import.meta.url), 'utf8')

function colourOf(name: string, theme: 0 | 1): [number, number, number] {
  const pair = new RegExp(`--${name}: light-dark\\((#\\w{6}), (#\\w{6})\\)`).exec(css)
  const hex = pair?.[theme + 1]
  if (!hex) throw new Error(`no colour ${name}`)
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as [number, number, number]
}

/** Relative luminance as WCAG 2 defines it. */
function luminance(colour: readonly number[]): number {
  const [red = 0, green = 0, blue = 0] = colour.map((part) => {
    const share = part / 255
    return share <= 0.040_45 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(a: readonly number[], b: readonly number[]): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (high + 0.05) / (low + 0.05)
}

test('every colour that text has stands out from every ground it is on, light and dark, as WCAG AA asks', () => {
  for (const theme of [0, 1] as const) {
    for (const text of ['ink', 'muted', 'water', 'open', 'bad', 'mark', 'stale']) {
      for (const ground of ['bg', 'panel']) {
        const ratio = contrast(colourOf(text, theme), colourOf(ground, theme))
        expect(ratio, `${text} on ${ground}, ${theme === 0 ? 'light' : 'dark'}`).toBeGreaterThanOrEqual(4.5)
      }
    }
    expect(contrast(colourOf('ink', theme), colourOf('raised', theme))).toBeGreaterThanOrEqual(4.5)
    expect(contrast(colourOf('ink', theme), colourOf('bad-soft', theme))).toBeGreaterThanOrEqual(4.5)
  }
})
