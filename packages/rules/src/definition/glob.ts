const specials = /[.+^${}()|[\]\\]/g

/** `*` is any run of characters, `?` any one; the whole text must match. */
export function globToRegExp(glob: string): RegExp {
  const pattern = glob.replaceAll(specials, '\\$&').replaceAll(/\*+/g, '.*').replaceAll('?', '.')
  return new RegExp(`^${pattern}$`)
}

/** Whether any of the globs matches; absent ones match everything. */
export function globMatcher(globs: readonly string[] | undefined): (text: string) => boolean {
  if (globs === undefined) return () => true
  const patterns = globs.map(globToRegExp)
  return (text) => patterns.some((pattern) => pattern.test(text))
}
