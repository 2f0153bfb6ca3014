import type { Mark } from '@millrace/contracts'
import { expect, test } from 'vitest'
import { MarkBook } from './mark-book.ts'
import { describeMarks, nameMarks } from './mark-words.ts'

const mark = (id: string, more: Partial<Mark> = {}): Mark => ({ id, kind: 'note', text: id, from: 10, to: 20, ...more })

function bookOf(...marks: Mark[]): MarkBook {
  const book = new MarkBook()
  book.take(marks)
  return book
}

test('a span has the marks that touch it, oldest first; one that goes on reaches into every later span', () => {
  const book = bookOf(mark('b'), mark('open', { from: 15, to: null }), mark('a', { from: 5, to: 5 }))
  const ids = (from: number, to: number) => book.within({ from, to }).map(({ id }) => id)
  expect(ids(0, 100)).toEqual(['a', 'b', 'open'])
  expect(ids(20, 30)).toEqual(['b', 'open'])
  expect(ids(21, 30)).toEqual(['open'])
  expect(ids(5, 5)).toEqual(['a'])
  expect(ids(6, 9)).toEqual([])
})

test('a mark that comes again stands for the one before it', () => {
  const book = bookOf(mark('a', { to: null }))
  book.take([mark('a', { text: 'over', to: 12 })])
  expect(book.within({ from: 0, to: 100 })).toEqual([mark('a', { text: 'over', to: 12 })])
})

test('what runs is the newest stretch of the kind that holds the moment, and its end is not in it', () => {
  const book = bookOf(
    mark('first', { kind: 'drill', from: 0, to: 30 }),
    mark('second', { kind: 'drill', from: 10, to: 20 }),
    mark('moment', { kind: 'drill', from: 15, to: 15 }),
    mark('note', { from: 15, to: null }),
  )
  expect([9, 15, 19, 20, 30].map((now) => book.running('drill', now)?.id)).toEqual([
    'first',
    'second',
    'second',
    'first',
    undefined,
  ])
})

test('of a flood of marks the newest stay', () => {
  const book = bookOf(...Array.from({ length: 1_300 }, (_none, n) => mark(`m${n}`, { from: n, to: n })))
  const kept = book.within({ from: 0, to: 2_000 })
  expect([kept.length, kept[0]?.from]).toEqual([1_000, 300])
})

test('in words a stretch has two times, a moment one, and many are counted', () => {
  expect(describeMarks([])).toBe('')
  const marks = [mark('cut'), mark('kill', { to: 10 }), mark('maintenance', { to: null })]
  expect(describeMarks(marks)).toMatch(/^Marks: cut [\d:]+ to [\d:]+, kill at [\d:]+, maintenance since [\d:]+\.$/)
  expect(describeMarks(Array.from({ length: 9 }, (_none, n) => mark(`m${n}`)))).toMatch(/, and 3 more\.$/)
  expect(nameMarks([mark('a', { text: 'kill' }), mark('b', { text: 'kill' }), mark('c')])).toBe('kill, c')
})
