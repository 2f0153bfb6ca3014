import { compileGlob, type Glob } from '@millrace/contracts'

/** Whether any of the globs matches; absent ones match everything. */
export function globMatcher(globs: readonly string[] | undefined): Glob {
  if (globs === undefined) return () => true
  const patterns = globs.map(compileGlob)
  return (text) => patterns.some((matches) => matches(text))
}
