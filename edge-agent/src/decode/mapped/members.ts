/** A value in a JSON document that is no object and no array. */
export interface Member {
  path: readonly string[]
  /** True where an array lies above it. */
  inArray: boolean
  value: unknown
}

/** Calls `visit` with every member, in the document's order, until it returns false. Depth is bounded by `parseBody`. */
export function visitMembers(document: unknown, visit: (member: Member) => boolean): void {
  walk({ path: [], inArray: false, value: document }, visit)
}

function walk({ path, inArray, value }: Member, visit: (member: Member) => boolean): boolean {
  if (typeof value !== 'object' || value === null) return visit({ path, inArray, value })
  const within = inArray || Array.isArray(value)
  for (const [key, child] of Object.entries(value)) {
    if (!walk({ path: [...path, key], inArray: within, value: child }, visit)) return false
  }
  return true
}

/** The path as a JSON pointer. */
export function pointerOf(path: readonly string[]): string {
  return path.map((segment) => `/${segment.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
