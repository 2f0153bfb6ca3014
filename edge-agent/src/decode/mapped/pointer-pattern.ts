const decoded = (segment: string) => segment.replaceAll('~1', '/').replaceAll('~0', '~')

/** A longer member is none that a pattern means. */
const maxSegment = 256

/** What stands around the globs of a segment: one text for none, three for two. */
type Glob = readonly string[]

/**
 * What the globs of a segment stood for, the first taking as much as it can. No expression: devices write what is
 * searched, and one with two globs would cost the square of its length.
 */
function globMatch(parts: Glob, text: string): string[] | undefined {
  const [before, between] = parts
  if (parts.length === 1) return text === before ? [] : undefined
  const after = parts.at(-1)!
  const fits = text.length >= before!.length + after.length && text.startsWith(before!) && text.endsWith(after)
  if (!fits) return undefined
  const middle = text.slice(before!.length, text.length - after.length)
  if (parts.length === 2) return [middle]
  const at = middle.lastIndexOf(between!)
  return at < 0 ? undefined : [middle.slice(0, at), middle.slice(at + between!.length)]
}

/** Why a text is no pattern of JSON pointers, said as what is allowed; undefined where it is one. */
export function pointerProblem(text: string): string | undefined {
  if (text === '') return undefined
  if (!text.startsWith('/') || text.length > 256)
    return 'a JSON pointer such as /temperature or /ENERGY/Power; empty for the whole payload'
  if (/~(?![01])/.test(text)) return '~ only as ~0 for itself and ~1 for a slash'
  const segments = text.slice(1).split('/')
  if (segments.slice(0, -1).includes('**')) return '** only as the last segment'
  return segments.some((segment) => segment !== '**' && segment.split('*').length > 3)
    ? 'at most two * in a segment'
    : undefined
}

/**
 * RFC 6901 pointers with globs: `*` stands for any text within one segment and is captured, `**` as the last segment
 * for members of objects at any depth (not of arrays), whose path from there is captured with dots.
 */
export class PointerPattern {
  readonly text: string
  readonly open: boolean
  readonly #segments: readonly Glob[]

  /** `text` is one without a `pointerProblem`. */
  constructor(text: string) {
    const segments = text === '' ? [] : text.slice(1).split('/')
    this.text = text
    this.open = segments.at(-1) === '**'
    this.#segments = (this.open ? segments.slice(0, -1) : segments).map((segment) => segment.split('*').map(decoded))
  }

  /** What the globs stood for, in order; undefined where the pattern does not match. */
  match(path: readonly string[], inArray: boolean): string[] | undefined {
    const fits = this.open ? path.length > this.#segments.length && !inArray : path.length === this.#segments.length
    if (!fits) return undefined
    const captures: string[] = []
    for (const [at, parts] of this.#segments.entries()) {
      const segment = path[at]!
      const found = segment.length > maxSegment ? undefined : globMatch(parts, segment)
      if (!found) return undefined
      captures.push(...found)
    }
    return this.open ? [...captures, path.slice(this.#segments.length).join('.')] : captures
  }
}

/** The value behind a pointer without globs; undefined where there is none. */
export function valueAt(document: unknown, pointer: string): unknown {
  let value = document
  for (const segment of pointer === '' ? [] : pointer.slice(1).split('/')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, decoded(segment))) return undefined
    value = (value as Record<string, unknown>)[decoded(segment)]
  }
  return value
}
