import { expect, it } from 'vitest'
import { silentLogger } from './log.ts'
import { RuleBook, type RuleFile } from './rule-book.ts'

const files = (content: unknown): RuleFile[] => [{ name: 'a.yaml', content }]

it('files that nobody can make rules of are refused, whatever goes wrong: the last good rules stay, and the service too', () => {
  const compile = ([file]: readonly RuleFile[]) => {
    if (typeof file?.content !== 'string') throw new TypeError('it turns in circles')
    return { rules: [file.content], problems: [] }
  }
  const book = new RuleBook<string>({ compile, versionOf: (rules) => rules.join(), log: silentLogger })
  expect(book.read(files('good'))?.rules).toEqual(['good'])
  expect(book.read(files(null))).toBeUndefined()
  expect([book.rules, book.problem]).toEqual([['good'], expect.stringContaining('it turns in circles')])
  expect(book.read(files('better'))?.rules).toEqual(['better'])
  expect(book.problem).toBeNull()
})
