import { expect, test } from 'vitest'
import { mockAlert } from '../../testing/mock-alerts.ts'
import { isMatched, matchChoices } from './silence-choices.ts'

const alert = mockAlert({ rule: 'freezer-warm', start: 1 })

test('every choice matches the alert that it was made for, the first one matches least', () => {
  const others = [
    mockAlert({ rule: 'freezer-warm', start: 1, device: 'other' }),
    mockAlert({ rule: 'other', start: 1 }),
    mockAlert({ rule: 'freezer-warm', start: 1, site: 'other' }),
  ]
  for (const one of [alert, mockAlert({ rule: 'agent', start: 1, device: null, metric: null })]) {
    const choices = matchChoices(one)
    for (const { match } of choices) expect(isMatched(match, one)).toBe(true)
    const caught = choices.map(({ match }) => others.filter((other) => isMatched(match, other)).length)
    expect(caught[0]).toBe(Math.min(...caught))
  }
})

test('a silence of a device leaves other devices alone, one of a rule other rules', () => {
  const [narrow, device, rule] = matchChoices(alert).map(({ match }) => match)
  const elsewhere = mockAlert({ rule: 'freezer-warm', start: 1, device: 'other' })
  const other = mockAlert({ rule: 'other', start: 1 })
  expect([narrow!, device!, rule!].map((match) => isMatched(match, elsewhere))).toEqual([false, false, true])
  expect([narrow!, device!, rule!].map((match) => isMatched(match, other))).toEqual([false, true, false])
})
