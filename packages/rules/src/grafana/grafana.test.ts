import { describe, expect, test } from 'vitest'
import { compileRules } from '../definition/compile.ts'
import { grafanaFiles } from './files.ts'
import type { GrafanaRule } from './rule.ts'
import { grafanaProblems } from './sense.ts'

const settings = { windowMs: 60_000 }
const warm = { id: 'warm', at: 'grafana', kind: 'threshold', select: { metric: 'temperature' }, above: 8 }

function compiled(rule: object) {
  const content: unknown = JSON.parse(JSON.stringify({ rules: [{ ...warm, ...rule }] }))
  const { rules, problems } = compileRules([{ name: 'a.yaml', content }])
  expect(problems).toEqual([])
  return rules
}

function made(rule: object): { rule: GrafanaRule; query: string; condition: string } {
  const { files } = grafanaFiles(compiled(rule), settings)
  const { groups } = files['millrace-rules.yaml'] as { groups: { rules: GrafanaRule[] }[] }
  const one = groups[0]!.rules[0]!
  const { model } = one.data[0]!
  return { rule: one, query: String(model.query), condition: String(one.data.at(-1)!.model.expression) }
}

test('a rule asks for as many of the newest windows as its for has, so that neither a gap nor one bad window changes it', () => {
  const { query, condition, rule } = made({ for: '10m' })
  expect(query).toBe(
    'SELECT "mean" AS "value" FROM "minute"."summary_1m" WHERE "metric" = \'temperature\' AND time > now() - 24h ' +
      'GROUP BY "site", "device", "metric" ORDER BY time DESC LIMIT 10',
  )
  expect(condition).toBe('$B > 8 && $N >= 10')
  expect(rule).toMatchObject({ condition: 'C', for: '0s', noDataState: 'OK', execErrState: 'Error' })
  const reducers = rule.data.flatMap(({ refId, model }) => (model.reducer ? [[refId, model.reducer]] : []))
  expect(reducers).toEqual([
    ['B', 'min'],
    ['W', 'max'],
    ['N', 'count'],
  ])
  expect(rule.data.find(({ refId }) => refId === rule.condition)).toBeDefined()
})

test('below asks for the largest of them, and one window needs no count', () => {
  const { condition, rule } = made({ above: undefined, below: -2, field: 'min' })
  expect(condition).toBe('$B < -2')
  expect(rule.data.map(({ refId }) => refId)).toEqual(['A', 'B', 'W', 'C'])
  expect(rule.data[1]!.model.reducer).toBe('max')
})

test.each([
  [{ site: 'a' }, '"site" = \'a\''],
  [{ site: ['a', 'b'] }, '("site" = \'a\' OR "site" = \'b\')'],
  [{ site: 'hall-*', device: ['t?', 'x.1'] }, '"site" =~ /^(hall-.*)$/ AND "device" =~ /^(t.|x\\.1)$/'],
  [{ site: '*' }, 'time > now()'],
])('the selection %j is the condition %s', (select, condition) => {
  expect(made({ select }).query).toContain(`WHERE ${condition}`)
})

test('rate, group and incomplete ask for what they judge', () => {
  const rate = made({ kind: 'rate', over: '3h', per: '1h' })
  expect(rate.query).toContain(
    'SELECT moving_average("step", 180) * 60 AS "value" FROM (SELECT difference("mean") AS "step"',
  )
  expect(rate.query).not.toContain('DESC')
  expect(rate.rule.data[1]!.model.reducer).toBe('last')
  const group = made({ kind: 'group', of: 'spread', for: '3m' })
  expect(group.query).toMatch(
    /^SELECT spread\("mean"\).*time < now\(\) - 3m GROUP BY time\(1m\), "site", "metric".*LIMIT 3$/,
  )
  const missing = made({ kind: 'incomplete', select: {}, above: undefined, missing: 0.1 })
  expect(missing.query).toContain(
    'SELECT 100 * "missing" / ("messages" + "missing") AS "value" FROM "minute"."completeness_1m"',
  )
  expect(missing.condition).toBe('$B > 10')
})

test('the message is a template of Grafana without a dollar, which provisioning of some versions would take for a variable', () => {
  const { rule } = made({
    message: '{device} is at {value} {unit} ($), above {threshold}, for {labels.team}',
    labels: { team: 'x' },
  })
  expect(rule.annotations.summary).toBe('{{ .Labels.device }} is at {{ .Values.W }} °C (), above 8, for x')
  expect(rule.labels).toEqual({ team: 'x', severity: 'warning', rule: 'warm', cause: 'value' })
  const strange = made({ message: '{device}{labels.constructor}{toString}' }).rule.annotations.summary
  expect(strange).toBe('{{ .Labels.device }}{{ .Labels.toString }}')
})

test('an id too long for Grafana, or in letters it does not take, has another uid, always the same one', () => {
  const uid = (id: string) => made({ id }).rule.uid
  expect(uid('warm')).toBe('millrace-warm')
  for (const id of ['a'.repeat(64), 'a:b.c']) {
    expect(uid(id)).toMatch(/^[\w-]{1,40}$/)
    expect(uid(id)).toBe(uid(id))
  }
  expect(uid('a:b')).not.toBe(uid('a.b'))
})

describe('what Grafana cannot do alike is refused, with what to do instead', () => {
  const silence = { kind: 'silence', select: {}, above: undefined, for: '5m' }
  test.each([
    [silence, 'kind', /at: edge or at: cloud.*agent/],
    [{ kind: 'increase', over: '1h' }, 'kind', /reset/],
    [{ on: 'reading' }, 'on', /summary/],
    [{ clear: 7 }, 'clear', /hysteresis/],
    [{ above: undefined, outside: [2, 8] }, 'outside', /two rules/],
    [{ select: { labels: { room: 'x' } } }, 'select.labels', /site and device/],
    [{ kind: 'rate', over: '3h', per: '1h', for: '10m' }, 'for', /over longer/],
    [{ kind: 'rate', over: '1m', per: '1h' }, 'over', /two windows, 2m/],
    [{ message: 'since {start}' }, 'message', /what Grafana knows/],
  ])('%j', (rule, setting, expected) => {
    const [problem, ...more] = grafanaProblems(compiled(rule)[0]!, settings)
    expect(more).toEqual([])
    expect(problem!.path).toBe(`rule warm: ${setting}`)
    expect(problem!.expected).toMatch(expected)
    expect(grafanaProblems(compiled({ ...rule, at: 'cloud' })[0]!, settings)).toEqual([])
  })

  test('a rule that Grafana can be given has no problem', () => {
    expect(grafanaProblems(compiled({ for: '10m' })[0]!, settings)).toEqual([])
  })
})
