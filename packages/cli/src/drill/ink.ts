/** Colour for a terminal that shows it; plain words elsewhere. */
export interface Ink {
  bold(text: string): string
  dim(text: string): string
  good(text: string): string
  bad(text: string): string
  accent(text: string): string
}

const coloured = (code: number) => (text: string) => `\x1b[${code}m${text}\x1b[0m`
const plain = (text: string) => text

export const plainInk: Ink = { bold: plain, dim: plain, good: plain, bad: plain, accent: plain }
export const colourInk: Ink = {
  bold: coloured(1),
  dim: coloured(2),
  good: coloured(32),
  bad: coloured(31),
  accent: coloured(36),
}
