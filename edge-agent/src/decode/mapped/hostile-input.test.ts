import { checkConfig } from '@millrace/pipeline'
import { expect, it } from 'vitest'
import { decoders } from '../index.ts'
import { decodeFormats, readingLines } from '../testing.ts'
import { MappingRules } from './member-rules.ts'
import type { Member } from './members.ts'
import { PointerPattern } from './pointer-pattern.ts'
import { collect } from './reading-collector.ts'
import type { Route } from './route.ts'
import { mappingSchema } from './settings.ts'

const anything = [{ type: 'mapped', mappings: [{ topic: '#', device: 'all' }] }]

it('wildcards leave the topics of a broker itself out, as in MQTT', async () => {
  const decoded = await decodeFormats(anything, [
    ['$SYS/broker/uptime', '{"a":1}'],
    ['any/topic', '{"a":2}'],
  ])
  expect(readingLines(decoded)).toEqual(['hall/all/a 2'])
  expect(decoded.deadLetters.map(({ reason, count }) => [reason, count])).toEqual([['bad-topic', 1]])
})

it('two globs in a segment take what a greedy search takes, in one pass', () => {
  const cases = [
    ['/a*-*z', 'a1-2-3z', ['1-2', '3']],
    ['/*', '', ['']],
    ['/ab*ba', 'aba', undefined],
    ['/**b', 'xbb', ['xb', '']],
    ['/a~1*~0', 'a/q~', ['q']],
    ['/*x*', 'none', undefined],
  ] as const
  for (const [pattern, segment, expected] of cases) {
    expect([pattern, new PointerPattern(pattern).match([segment], false)]).toEqual([pattern, expected])
  }
})

it('a pointer with an escape that RFC 6901 does not know is refused with the config', () => {
  const format = { type: 'mapped', mappings: [{ topic: '{device}', metrics: [{ at: '/g~2h' }] }] }
  expect(() => checkConfig(format, decoders.schema, 'the test')).toThrow('one problem')
})

it('members called like parts of every object are members like any other', async () => {
  const format = { type: 'mapped', mappings: [{ topic: '{device}', time: { at: '/__proto__/at' } }], names: { x: 'y' } }
  const decoded = await decodeFormats(
    [format],
    [['constructor', '{"__proto__":{"at":1780000000},"toString":1,"hasOwnProperty":{"call":2}}']],
  )
  expect(readingLines(decoded)).toEqual(['hall/constructor/toString 1', 'hall/constructor/hasOwnProperty.call 2'])
  expect(decoded.readings[0]?.ts).toBe(1_780_000_000_000)
})

it('a message with endless members costs no look at each of them, whether they are readings or not', () => {
  const document = { a: Array.from({ length: 60_000 }, () => 1) }
  const lookedAt = (metrics: object[]) => {
    const rules = new MappingRules(mappingSchema.parse({ topic: 'any', metrics }))
    let looks = 0
    const rulesOf = (member: Member) => {
      looks++
      return rules.of(member, {})
    }
    const { count, candidates } = collect(document, { rulesOf } as unknown as Route, undefined)
    return { looks, count, isTaken: count === candidates.length }
  }
  expect(lookedAt([{ at: '/a/*' }])).toEqual({ looks: 257, count: 60_000, isTaken: false })
  expect(lookedAt([{ at: '/b' }])).toEqual({ looks: 4_096, count: 60_000 - 4_096, isTaken: false })
})
