import { describe, expect, it } from 'vitest'
import { checkRules, compileRules } from '../index.ts'
import { rulesOf } from '../testing/rows.ts'

const evidence = { recording: 'r', catches: [{ from: 0, to: 1 }], misses: [{ from: 0, to: 1 }] }
const temperature = { metric: 'temperature' }
const series = [{ site: 'hall', device: 't1', metric: 'temperature' }]

it('files that make no sense are problems, never a fall', () => {
  const circle: Record<string, unknown> = { id: 'x', at: 'edge', kind: 'threshold', above: 1 }
  circle.labels = circle
  for (const rule of [circle, [circle], null, 7, { kind: 'constructor' }, { kind: '__proto__' }]) {
    const { rules, problems } = compileRules([{ name: 'a.yaml', content: { rules: [rule] } }])
    expect(rules).toEqual([])
    expect(problems[0]?.path).toMatch(/^a\.yaml: rules\[0\]/)
  }
})

describe('a rule that can never fire is named', () => {
  const never: [string, object, string][] = [
    ['an unknown metric', { kind: 'threshold', select: { metric: 'temprature' }, above: 8 }, 'select.metric'],
    ['a glob that no metric matches', { kind: 'threshold', select: { metric: 'x*' }, above: 8 }, 'select.metric'],
    ['above what the metric can be', { kind: 'threshold', select: temperature, above: 85 }, 'above'],
    ['below what the metric can be', { kind: 'threshold', select: temperature, below: -40 }, 'below'],
    [
      'cleared where it never comes',
      { kind: 'threshold', select: { metric: 'humidity' }, above: 50, clear: -1 },
      'clear',
    ],
    ['more missing than all', { kind: 'incomplete', missing: 1 }, 'missing'],
    ['silence shorter than a window', { kind: 'silence', for: '30s' }, 'for'],
    ['a rate over no whole number of windows', { kind: 'rate', over: '90s', per: '1h', above: 1 }, 'over'],
    ['the increase of what is no counter', { kind: 'increase', select: temperature, above: 1 }, 'select.metric'],
    ['an increase below nothing', { kind: 'increase', below: 0 }, 'below'],
    ['a count below nothing', { kind: 'group', of: 'count', below: 0 }, 'below'],
    ['a field of a reading', { kind: 'threshold', on: 'reading', field: 'max', above: 1 }, 'field'],
    ['an agent that tells of its own absence', { kind: 'silence', of: 'agent', for: '5m', at: 'edge' }, 'at'],
  ]
  for (const [name, rule, setting] of never) {
    it(name, () => {
      const { problems } = checkRules(rulesOf({ id: 'r', ...rule }), { series })
      expect(problems.map(({ path }) => path)).toEqual([`rule r: ${setting}`])
    })
  }

  it('and rules that can fire are not', () => {
    const fine = rulesOf(
      { id: 'a', kind: 'threshold', select: temperature, above: 84.9, clear: 80, for: '5m' },
      { id: 'b', kind: 'threshold', select: { metric: 'temp*' }, below: -39.9 },
      { id: 'c', kind: 'increase', select: { metric: 'energy' }, above: 1, over: '10m' },
      { id: 'd', kind: 'deviation', score: 4, evidence },
      { id: 'e', kind: 'threshold', on: 'reading', above: 8, for: '10s' },
      { id: 'f', kind: 'group', of: 'spread', above: 5, select: temperature },
      { id: 'g', kind: 'incomplete', missingMessages: 100 },
      { id: 'h', kind: 'silence', of: 'agent', for: '5m' },
      { id: 'i', kind: 'threshold', field: 'stddev', select: temperature, above: 500 },
    )
    expect(checkRules(fine, { series, agents: [{ site: 'hall', agent: 'e' }] })).toEqual({
      problems: [],
      warnings: [{ path: 'rule c: select', found: 'nothing that is known', expected: expect.any(String) }],
    })
  })

  it('what is not most likely meant is a warning', () => {
    const odd = rulesOf({
      id: 'r',
      kind: 'threshold',
      select: { device: 'x9' },
      above: 8,
      for: '30s',
      message: '{devise} {',
    })
    expect(checkRules(odd, { series }).warnings.map(({ path, found }) => [path, found])).toEqual([
      ['rule r: for', '30s'],
      ['rule r: message', '{devise}'],
      ['rule r: message', 'a lone brace'],
      ['rule r: select', 'nothing that is known'],
    ])
  })
})

describe('files of rules', () => {
  const problemsOf = (...rules: unknown[]) => compileRules([{ name: 'a.yaml', content: { rules } }]).problems
  const good = { id: 'a', at: 'edge', kind: 'threshold', above: 8 }

  it('say all problems at once, with their place, what was found and what is allowed', () => {
    expect(
      problemsOf(
        { ...good, clear: 9 },
        { ...good, id: 'b', above: undefined },
        { ...good, id: 'c', abov: 1, severity: 'bad' },
        { ...good, id: 'd', kind: 'treshold' },
        { ...good, id: 'a b', for: '5 minutes', select: { sitte: 'x', site: 'ä' } },
        { id: 'e', at: 'cloud', kind: 'deviation', score: 4 },
        'text',
      ),
    ).toEqual([
      { path: 'a.yaml: rules[2].severity', found: '"bad"', expected: 'info, warning, critical' },
      { path: 'a.yaml: rules[2].abov', found: 'an unknown setting', expected: 'the nearest known one is above' },
      { path: 'a.yaml: rules[3].kind', found: '"treshold"', expected: 'the nearest known one is threshold' },
      { path: 'a.yaml: rules[4].id', found: '"a b"', expected: 'must be 1 to 64 of A-Z a-z 0-9 . _ : -' },
      { path: 'a.yaml: rules[4].for', found: '"5 minutes"', expected: 'a duration such as 30s, 5m, 6h or 7d' },
      { path: 'a.yaml: rules[4].select.site', found: '"ä"', expected: expect.stringContaining('a name of A-Z') },
      { path: 'a.yaml: rules[4].select.sitte', found: 'an unknown setting', expected: 'the nearest known one is site' },
      { path: 'a.yaml: rules[5].evidence', found: 'nothing', expected: 'a group of settings' },
      { path: 'a.yaml: rules[6].kind', found: 'nothing', expected: expect.stringContaining('threshold, rate') },
      { path: 'a.yaml: rules[0].clear', found: '9', expected: 'a number of at most 8' },
      { path: 'a.yaml: rules[1].above', found: 'nothing', expected: 'exactly one of above, below, outside' },
    ])
  })

  it('may not say the same id twice, in any file', () => {
    const files = ['b.yaml', 'a.yaml'].map((name) => ({ name, content: { rules: [good] } }))
    expect(compileRules(files).problems).toEqual([
      { path: 'b.yaml: rules[0].id', found: '"a"', expected: 'an id of its own: this one is at a.yaml: rules[0].id' },
    ])
  })

  it('that are empty, unreadable or something else', () => {
    const { problems } = compileRules([
      { name: 'a.yaml', content: null },
      { name: 'b.yaml', content: undefined, problem: 'it cannot be read' },
      { name: 'c.yaml', content: [1] },
      { name: 'd.yaml', content: { rule: [], rules: null, labels: 5 } },
    ])
    expect(problems.map(({ path, found }) => [path, found])).toEqual([
      ['b.yaml: (the whole file)', 'it cannot be read'],
      ['c.yaml: (the whole file)', '[1]'],
      ['d.yaml: rule', 'an unknown setting'],
      ['d.yaml: labels', '5'],
    ])
  })

  it('select by globs and by labels of the devices; the version changes with what is selected', () => {
    const rule = { ...good, select: { site: 'hall-*', labels: { room: 'cold*' } } }
    const rooms = (room: string) => ({ labels: [{ site: 'hall-1', device: 't?', labels: { room } }] })
    const compiled = (room: string) => {
      const files = [
        { name: 'a.yaml', content: { rules: [rule] } },
        { name: 'labels.yaml', content: rooms(room) },
      ]
      return compileRules(files).rules[0]!
    }
    const cold = compiled('cold-1')
    expect(cold.selects({ site: 'hall-1', device: 't1', metric: 'x' })).toBe(true)
    expect(cold.selects({ site: 'hall-1', device: 'u1', metric: 'x' })).toBe(false)
    expect(cold.selects({ site: 'hall', device: 't1', metric: 'x' })).toBe(false)
    expect(compiled('warm').selects({ site: 'hall-1', device: 't1' })).toBe(false)
    expect(cold.version).toMatch(/^[0-9a-f]{12}$/)
    expect(compiled('warm').version).not.toBe(cold.version)
    expect(compiled('cold-1').version).toBe(cold.version)
  })
})
