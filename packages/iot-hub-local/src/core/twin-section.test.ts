import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../types.ts'
import { checkValues, difference, emptySection, isObject, merge, patchSection } from './twin-section.ts'

const keys = fc.constantFrom('a', 'b', 'c', 'window', '__proto__', 'constructor')
const leaf = fc.oneof(
  fc.integer({ min: -1e6, max: 1e6 }),
  fc.string({ maxLength: 8 }),
  fc.boolean(),
  fc.double({ noNaN: true, noInteger: true, noDefaultInfinity: true }),
)

function objects(depth: number, withNulls: boolean): fc.Arbitrary<JsonObject> {
  const below: fc.Arbitrary<Json>[] = depth > 0 ? [objects(depth - 1, withNulls)] : []
  const nulls: fc.Arbitrary<Json>[] = withNulls ? [fc.constant(null)] : []
  const value = fc.oneof(leaf, fc.array(leaf, { maxLength: 3 }), ...below, ...nulls) as fc.Arbitrary<Json>
  return fc.array(fc.tuple(keys, value), { maxLength: 4 }).map((pairs) => Object.fromEntries(pairs) as JsonObject)
}

const patches = objects(3, true)
const values = objects(3, false)

/** The merge, told path by path: what a patch says of a path holds, and where it says nothing the old value stays. */
function model(before: Json | undefined, patch: Json | undefined): Json | undefined {
  if (patch === undefined) return before
  if (patch === null) return undefined
  if (!isObject(patch)) return patch
  const old = isObject(before) ? before : {}
  const names = [...new Set([...Object.keys(old), ...Object.keys(patch)])]
  const pairs = names.map((name) => [name, model(own(old, name), own(patch, name))] as const)
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined)) as JsonObject
}

function own(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

const section = (start: JsonObject) => ({ ...emptySection(0, true), values: start })
const change = (patch: JsonObject, maxBytes = 32 * 1024) => ({ patch, atMs: 1000, maxBytes, stampVersion: true })

describe('a twin patch', () => {
  it('merges objects, deletes by null and replaces the rest, whatever the keys are called', () => {
    fc.assert(
      fc.property(values, patches, (before, patch) => {
        expect(merge(before, patch)).toEqual(model(before, patch))
      }),
    )
  })

  it('twice is the patch once, and leaves no null behind', () => {
    fc.assert(
      fc.property(values, patches, (before, patch) => {
        const once = merge(before, patch)
        expect(merge(once, patch)).toEqual(once)
        expect(JSON.stringify(Object.values(once))).not.toMatch(/:null[,}]/)
      }),
    )
  })

  it('made from a difference leads exactly there', () => {
    fc.assert(
      fc.property(values, values, (before, wanted) => {
        expect(merge(before, difference(before, wanted))).toEqual(wanted)
      }),
    )
  })

  it('is one version on, with a stamp on every name that is there and on no other', () => {
    fc.assert(
      fc.property(patches, patches, (first, second) => {
        const once = patchSection(section({}), change(first))
        const twice = patchSection(once, change(second))
        expect(twice.version).toBe(3)
        const names = Object.keys(twice.metadata).filter((name) => !name.startsWith('$'))
        expect(names.sort()).toEqual(Object.keys(twice.values).sort())
      }),
    )
  })
})

describe('a twin refuses', () => {
  const deep = (levels: number): JsonObject => (levels === 0 ? { end: 1 } : { down: deep(levels - 1) })
  it.each([
    ['a key with a dot', { 'a.b': 1 }],
    ['a key with a dollar', { $version: 1 }],
    ['a key with a space', { a: { 'b c': 1 } }],
    ['a control character in a key', { 'a\u0001': 1 }],
    ['an empty key', { '': 1 }],
    ['a text over 4 KB', { a: 'x'.repeat(4097) }],
    ['a whole number over 52 bits', { a: 2 ** 52 }],
    ['more than ten levels', deep(10)],
  ])('%s', (_claim, patch) => {
    expect(() => checkValues(patch)).toThrow()
  })

  it('more than 32 KB in all', () => {
    const half = Object.fromEntries(Array.from({ length: 5 }, (_, at) => [`k${at}`, 'x'.repeat(4000)]))
    const more = Object.fromEntries(Array.from({ length: 5 }, (_, at) => [`l${at}`, 'x'.repeat(4000)]))
    const once = patchSection(section({}), change(half))
    expect(() => patchSection(once, change(more))).toThrow('32768')
  })

  it('nothing at its limits', () => {
    expect(() => checkValues({ a: 'x'.repeat(4096), b: 4_503_599_627_370_495, c: 1e300, d: [1, null] })).not.toThrow()
    expect(() => checkValues(deep(9))).not.toThrow()
  })
})
