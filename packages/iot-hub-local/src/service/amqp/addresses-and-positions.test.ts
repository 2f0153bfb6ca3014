import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HubError } from '../../hub-error.ts'
import { parseQuery } from '../rest/query.ts'
import { nodeOf } from './address.ts'
import { parseSelector, startOf } from './position.ts'
import { ReaderPlaces } from './reader-places.ts'

describe('addresses', () => {
  it.each([
    ['$cbs', { kind: 'cbs' }],
    ['$management', { kind: 'management' }],
    ['millrace/$management', { kind: 'management' }],
    ['/messages/devicebound', { kind: 'devicebound' }],
    ['/messages/serviceBound/feedback', { kind: 'feedback' }],
    ['Hub/ConsumerGroups/$Default/Partitions/3', { kind: 'reader', hub: 'hub', group: '$default', partition: '3' }],
    [
      'amqps://localhost:5671/messages/events/ConsumerGroups/g/Partitions/0',
      { kind: 'reader', hub: 'messages/events', group: 'g', partition: '0' },
    ],
    ['readings', { kind: 'publisher', hub: 'readings', partition: undefined }],
    ['readings/Partitions/1', { kind: 'publisher', hub: 'readings', partition: '1' }],
  ])('%s', (address, node) => {
    expect(nodeOf(address)).toEqual(node)
  })

  it('other texts are none, and none of them throws', () => {
    expect([nodeOf(undefined), nodeOf(''), nodeOf('a/b/c'), nodeOf('$else')]).toEqual(Array(4).fill(undefined))
    fc.assert(fc.property(fc.string(), (text) => void nodeOf(text)))
  })
})

describe('start positions', () => {
  it.each([
    ["amqp.annotation.x-opt-offset > '-1'", { at: 'earliest' }],
    ["amqp.annotation.x-opt-offset > '@latest'", { at: 'latest' }],
    ["amqp.annotation.x-opt-offset >= '1024'", { offset: '1024', inclusive: true }],
    ["amqp.annotation.x-opt-sequence-number > '7'", { sequence: 7, inclusive: false }],
    ["amqp.annotation.x-opt-enqueued-time > '1767323045678'", { enqueuedMs: 1_767_323_045_678, inclusive: false }],
    ["amqp.annotation.x-opt-offset > 'x'", undefined],
    ["amqp.annotation.x-opt-else > '1'", undefined],
    ['', undefined],
  ])('%s', (selector, position) => {
    expect(parseSelector(selector)).toEqual(position)
  })

  it('without a filter everything that is held is read', () => {
    expect([startOf(undefined), startOf({})]).toEqual([{ at: 'earliest' }, { at: 'earliest' }])
    expect(startOf({ 'apache.org:selector-filter:string': 4 })).toBeUndefined()
  })
})

describe('queries', () => {
  it('any text is a query or refused with what is understood', () => {
    const word = fc.constantFrom(
      'SELECT',
      '*',
      'FROM',
      'devices',
      'WHERE',
      'tags.a',
      '=',
      "'x'",
      'AND',
      'NOT',
      '(',
      ',',
      '1',
    )
    const texts = fc.oneof(
      fc.string(),
      fc.array(word).map((words) => words.join(' ')),
    )
    fc.assert(
      fc.property(texts, (text) => {
        try {
          parseQuery(text).matches({ tags: { a: 'x' } })
        } catch (error) {
          expect(error).toBeInstanceOf(HubError)
        }
      }),
    )
  })

  it.each([
    ["tags.a = 'x'", true],
    ["tags.a != 'x'", false],
    ["tags.a <> 'and' AND tags.n > 1", true],
    ['tags.n <= 1', false],
    ["tags.n < '3'", false],
    ['tags.flag = true and is_defined(tags.a)', true],
    ['not is_defined(tags.b)', true],
    ['tags.b != 1', false],
    ['tags.none = null', true],
  ])('%s', (where, matches) => {
    const row = { tags: { a: 'x', n: 2, flag: true, none: null } }
    expect(parseQuery(`SELECT * FROM devices WHERE ${where}`).matches(row)).toBe(matches)
  })
})

describe('owner levels', () => {
  it('whoever comes in which order: at most one owner, never beside others, of the highest level that came', () => {
    const levels = fc.array(fc.option(fc.integer({ min: 0, max: 3 })), { maxLength: 20 })
    fc.assert(
      fc.property(levels, (epochs) => {
        const places = new ReaderPlaces()
        const inside = new Set<{ epoch: number | null; evict(): void }>()
        for (const epoch of epochs) {
          const place = { epoch, evict: () => void inside.delete(place) }
          if (places.enter('key', place) === undefined) inside.add(place)
          const owners = Array.from(inside).filter((one) => one.epoch !== null)
          expect(owners.length === 0 ? inside.size <= 5 : inside.size === 1).toBe(true)
        }
        const highest = epochs.reduce<number>((top, epoch) => Math.max(top, epoch ?? -1), -1)
        if (highest >= 0) expect(Array.from(inside, ({ epoch }) => epoch)).toEqual([highest])
      }),
    )
  })
})
