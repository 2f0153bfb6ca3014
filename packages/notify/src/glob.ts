export type Glob = (text: string) => boolean

/** `*` stands for any characters, `?` for one; everything else for itself. */
export function compileGlob(pattern: string): Glob {
  if (!/[*?]/.test(pattern)) return (text) => text === pattern
  const parts = pattern.replaceAll(/\*+/g, '*').split(/([*?])/)
  const source = parts.map((part) => (part === '*' ? '.*' : part === '?' ? '.' : part.replaceAll(/\W/g, '\\$&')))
  const expression = new RegExp(`^${source.join('')}$`, 'su')
  return (text) => expression.test(text)
}
