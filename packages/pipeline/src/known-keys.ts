import { z } from 'zod'

type Path = readonly PropertyKey[]

const maxDepth = 32

function unwrap(schema: z.ZodType, value: unknown): z.ZodType {
  let current: unknown = schema
  for (let depth = 0; depth < maxDepth; depth++) {
    if (current instanceof z.ZodDiscriminatedUnion) current = optionFor(current, value)
    else if (current instanceof z.ZodPipe) current = current.def.in
    else if (current instanceof z.ZodLazy) current = current.def.getter()
    else if (hasInner(current)) current = current.def.innerType
    else break
  }
  return current as z.ZodType
}

function hasInner(schema: unknown): schema is { def: { innerType: unknown } } {
  return schema instanceof z.ZodType && 'innerType' in schema.def
}

function optionFor(union: z.ZodDiscriminatedUnion, value: unknown): unknown {
  const key = union.def.discriminator
  const found = value !== null && typeof value === 'object' ? (value as Record<string, unknown>)[key] : undefined
  return union.def.options.find((option) => option._zod.propValues?.[key]?.has(found as string))
}

function step(schema: z.ZodType, key: PropertyKey): unknown {
  if (schema instanceof z.ZodObject) return schema.shape[key as string]
  if (schema instanceof z.ZodArray) return schema.element
  if (schema instanceof z.ZodRecord) return schema.valueType
  return undefined
}

/** The settings that the schema knows at a path; which of several kinds is meant is read from the value. */
export function knownKeysAt(schema: z.ZodType, value: unknown, path: Path): string[] {
  let current = unwrap(schema, value)
  let inside = value
  for (const key of path) {
    inside = inside !== null && typeof inside === 'object' ? (inside as Record<PropertyKey, unknown>)[key] : undefined
    const next = step(current, key)
    if (!(next instanceof z.ZodType)) return []
    current = unwrap(next, inside)
  }
  return current instanceof z.ZodObject ? Object.keys(current.shape) : []
}

function distance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const swap = from[i - 1] === to[j - 1] ? 0 : 1
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + swap))
    }
    previous = row
  }
  return previous[to.length]!
}

/** The known key that a misspelt one is most likely meant to be, if any is near. */
export function nearestKey(key: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_]/g, '')
  const ranked = known.map((name) => ({ name, far: distance(plain(key), plain(name)) }))
  ranked.sort((a, b) => a.far - b.far)
  const [best] = ranked
  return best && best.far <= Math.max(2, Math.floor(best.name.length / 3)) ? best.name : undefined
}
