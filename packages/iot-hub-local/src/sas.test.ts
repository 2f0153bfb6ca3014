import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deriveKey, makeToken, parseToken, resourceCovers, strictEncode, verifyToken } from './sas.ts'

const key = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='
const resource = 'contoso.azure-devices.net/devices/pi-01'
const expiresS = 1_893_456_000
const vector =
  'SharedAccessSignature sr=contoso.azure-devices.net%2Fdevices%2Fpi-01&sig=Hym1oXcJ9RZkqcSKkZCtlkdVKKU%2BhLnf8yEidXA5ndU%3D&se=1893456000'

const check = (text: string, over: { nowMs?: number; key?: string } = {}) =>
  verifyToken(text, {
    covers: (received) => received === resource,
    keys: () => [over.key ?? key],
    nowMs: over.nowMs ?? 0,
  })

describe('a shared access signature', () => {
  it('is made as the published vector says, and taken', () => {
    expect(makeToken({ resource, key, expiresS })).toBe(vector)
    expect(check(vector)).toEqual({ ok: true, expiresMs: expiresS * 1000, policy: undefined })
  })

  it('is signed over the text received: lower-case escapes are as good when they were signed', () => {
    const fields = parseToken(vector)!
    expect(check(vector.replaceAll('%2F', '%2f'))).toEqual({ ok: false, reason: 'wrong-signature' })
    expect(fields.sr).toBe('contoso.azure-devices.net%2Fdevices%2Fpi-01')
  })

  it('is over in the second it names', () => {
    expect(check(vector, { nowMs: expiresS * 1000 - 1 }).ok).toBe(true)
    expect(check(vector, { nowMs: expiresS * 1000 })).toEqual({ ok: false, reason: 'expired' })
  })

  it('of another key, resource, policy or form is refused with its reason', () => {
    const other = Buffer.alloc(32, 7).toString('base64')
    expect(check(vector, { key: other })).toEqual({ ok: false, reason: 'wrong-signature' })
    expect(check(makeToken({ resource: `${resource}2`, key, expiresS }))).toEqual({
      ok: false,
      reason: 'wrong-resource',
    })
    const unknown = { covers: () => true, keys: () => [], nowMs: 0 }
    expect(verifyToken(vector, unknown)).toEqual({ ok: false, reason: 'unknown-policy' })
    for (const text of [
      '',
      'SharedAccessSignature ',
      vector.slice(1),
      `${vector}&se=1`,
      vector.replace('se=', 'sx='),
    ]) {
      expect(check(text)).toEqual({ ok: false, reason: 'malformed' })
    }
    for (const se of ['1e9', '-1', '', '99999999999999', '1893456000.5']) {
      expect(check(vector.replace('se=1893456000', `se=${se}`))).toEqual({ ok: false, reason: 'malformed' })
    }
  })

  it('with one character changed anywhere is never taken', () => {
    fc.assert(
      fc.property(fc.nat({ max: vector.length - 1 }), fc.string({ minLength: 1, maxLength: 1 }), (at, char) => {
        fc.pre(vector[at] !== char)
        const changed = vector.slice(0, at) + char + vector.slice(at + 1)
        const skn = changed.includes('&skn=')
        expect(check(changed).ok && !skn).toBe(false)
      }),
    )
  })

  it('of any resource, key and policy is read back', () => {
    const keys = fc.uint8Array({ minLength: 16, maxLength: 64 }).map((bytes) => Buffer.from(bytes).toString('base64'))
    const names = fc.string({ minLength: 1, unit: 'grapheme' })
    fc.assert(
      fc.property(names, keys, names, (name, signingKey, policy) => {
        const text = makeToken({ resource: name, key: signingKey, expiresS, policy })
        const verdict = verifyToken(text, {
          covers: (received) => received === name,
          keys: (received) => (received === policy ? [key, signingKey] : []),
          nowMs: 0,
        })
        expect(verdict).toEqual({ ok: true, expiresMs: expiresS * 1000, policy })
      }),
    )
  })

  it('encodes everything but unreserved characters', () => {
    expect(strictEncode("a!'()*/~-._")).toBe('a%21%27%28%29%2A%2F~-._')
  })
})

it('the key of a device of a group is derived as the published vector says', () => {
  expect(deriveKey(key, 'pi-01')).toBe('zNWyUAF+tvKhuUBBtICaIu069QlXARJJEQL4RENkIQY=')
})

describe('what a resource covers', () => {
  const hosts = ['localhost', 'hub.example']
  it.each([
    ['localhost/devices/a', true],
    ['LOCALHOST:8883/devices/a', true],
    ['hub.example', true],
    ['sb://hub.example/devices', true],
    ['localhost/devices/a/', true],
    ['localhost/devices/ab', false],
    ['localhost/devices/a/modules/m', false],
    ['localhost/device', false],
    ['other/devices/a', false],
    ['', false],
  ])('%s: %s', (text, covered) => {
    expect(resourceCovers(text, hosts, '/devices/a')).toBe(covered)
  })
})
