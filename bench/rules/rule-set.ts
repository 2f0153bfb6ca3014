import { type CompiledRule, compileRules } from '@millrace/rules'

/** Values of the workload walk around 20 to 30. */
const metrics = [
  'temperature',
  'humidity',
  'pressure',
  'co2',
  'light',
  'vibration',
  'power',
  'energy',
  'battery',
  'voltage',
]

const at = 'edge'
const thresholds = metrics.flatMap((metric, n) => [
  { id: `high-${metric}`, kind: 'threshold', select: { metric }, above: 60, clear: 55, for: '5m' },
  { id: `low-${metric}`, kind: 'threshold', select: { metric }, field: 'min', below: -30 },
  // A few of a thousand devices leave these bounds.
  {
    id: `odd-${metric}`,
    kind: 'threshold',
    select: { metric, device: `*${n}` },
    field: 'p95',
    outside: [8, 42],
    for: '2m',
  },
])
const others = [
  ...['temperature', 'humidity', 'pressure', 'power', 'battery', 'voltage'].map((metric) => {
    return { id: `rate-${metric}`, kind: 'rate', select: { metric }, over: '1m', per: '1h', above: 5_000 }
  }),
  ...['1m', '2m'].map((over) => ({
    id: `grows-${over}`,
    kind: 'increase',
    select: { metric: 'energy' },
    over,
    above: 1e6,
  })),
  ...['mean', 'min', 'max', 'spread', 'count'].map((of) => {
    return { id: `group-${of}`, kind: 'group', of, select: { metric: 'co2' }, below: -1e3 }
  }),
  ...['humidity', 'vibration'].map((metric) => {
    const span = [{ from: 0, to: 1 }]
    return {
      id: `usual-${metric}`,
      kind: 'deviation',
      select: { metric },
      score: 9,
      evidence: { recording: 'r', catches: span, misses: span },
    }
  }),
  { id: 'silent', kind: 'silence', for: '5m' },
  { id: 'silent-long', kind: 'silence', for: '1h', select: { device: 'dev-00*' } },
  { id: 'missing', kind: 'incomplete', missing: 0.1 },
  { id: 'missing-many', kind: 'incomplete', missingMessages: 50 },
  { id: 'high-any', kind: 'threshold', above: 1_000 },
]

/** Fifty rules of all kinds that judge windows; a series is under about six of them. */
export function fiftyRules(): CompiledRule[] {
  const all = [...thresholds, ...others].map((rule) => ({ ...rule, at }))
  const { rules, problems } = compileRules([{ name: 'bench.yaml', content: { rules: all } }])
  if (problems.length > 0 || rules.length !== 50) throw new Error(`${rules.length} rules, ${JSON.stringify(problems)}`)
  return rules
}
