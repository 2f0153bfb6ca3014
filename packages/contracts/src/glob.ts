/** Whether a whole text matches. */
export type Glob = (text: string) => boolean

/**
 * `*` stands for any characters, `?` for one; everything else for itself. Takes at most pattern times text steps, as
 * patterns come from people: a regular expression of many stars would take a lifetime.
 */
export function compileGlob(pattern: string): Glob {
  if (!/[*?]/.test(pattern)) return (text) => text === pattern
  const parts = pattern.split('*').map((part) => [...part])
  const [first, last] = [parts[0]!, parts.at(-1)!]
  return (given) => {
    const text = [...given]
    if (parts.length === 1) return text.length === first.length && fitsAt(first, text, 0)
    if (!fitsAt(first, text, 0)) return false
    const from = afterAll(parts.slice(1, -1), text, first.length)
    const lastAt = text.length - last.length
    return from <= lastAt && fitsAt(last, text, lastAt)
  }
}

function fitsAt(part: readonly string[], text: readonly string[], at: number): boolean {
  return part.every((one, index) => (one === '?' ? at + index < text.length : one === text[at + index]))
}

/** Where the parts end, each as early as it can: what is found so leaves most to the parts after it. */
function afterAll(parts: readonly (readonly string[])[], text: readonly string[], from: number): number {
  let at = from
  for (const part of parts) {
    while (at <= text.length && !fitsAt(part, text, at)) at++
    at += part.length
  }
  return at
}
