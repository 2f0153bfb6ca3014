import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileGlob } from './glob.ts'

/** The same for short patterns, by a regular expression. */
function byRegExp(pattern: string, text: string): boolean {
  const parts = [...pattern].map((one) => (one === '*' ? '.*' : one === '?' ? '.' : one === '.' ? '\\.' : one))
  return new RegExp(`^${parts.join('')}$`, 'su').test(text)
}

describe('a glob', () => {
  it('matches what a regular expression of the same meaning matches', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?', '\n', '😀'), maxLength: 8 })
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '\n', '😀'), maxLength: 10 })
    const agrees = (glob: string, given: string) => compileGlob(glob)(given) === byRegExp(glob, given)
    fc.assert(fc.property(pattern, text, agrees), { numRuns: 2_000 })
  })

  it('of many stars is judged in a moment, where a regular expression would never end', () => {
    for (const glob of ['*a'.repeat(31), '*?'.repeat(64), '*'.repeat(128), `${'a*'.repeat(63)}c`]) {
      expect(compileGlob(`${glob}*c`)(`${'a'.repeat(255)}b`)).toBe(false)
    }
  })
})
