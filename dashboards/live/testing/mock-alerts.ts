import type { AlertsResponse, ApiAlert, RulesResponse } from '@millrace/contracts'

/** An active alert of a value, but for what is told. */
export function mockAlert(told: Partial<ApiAlert> & { rule: string; start: number }): ApiAlert {
  const { rule, start, site = 'harbour', device = 'cold-store', metric = 'temperature' } = told
  const id = [rule, site, device ?? '-', metric ?? '-', start].join('/')
  return {
    ...{ id, rev: 0, change: 'raised', state: 'active', version: '0a1b2c3d4e5f', owner: 'cloud', cause: 'value' },
    ...{ severity: 'warning', site, device, metric, agent: 'edge', raised: start + 60_000, end: null },
    ...{ learned: start + 70_000, value: 9.4, threshold: 8, unit: '°C', labels: {}, movedFrom: null },
    ...{ message: `${device} is at 9.4 °C, above 8`, acknowledged: null, silencedBy: null },
    ...told,
  }
}

const minuteMs = 60_000
const channels = [
  { channel: 'log', waiting: 0, error: null },
  { channel: 'kitchen-phone', waiting: 3, error: 'connect ECONNREFUSED 10.0.0.7:443' },
]

/** One alert of every kind there is to see, about the made-up fleet. */
export function mockAlerts(now: number, { site, device, metric }: { site: string; device: string; metric: string }) {
  const at = (minutes: number) => Math.floor((now - minutes * minuteMs) / minuteMs) * minuteMs
  const own = { site, device, metric }
  const whole = { site, value: null, threshold: null, unit: '' }
  const silence = {
    ...{ id: '3f0c2f0e-53d0-4f6a-9a55-0d8f2f0a7f10', match: { rule: 'door-open', site }, by: 'Ada' },
    ...{ fromMs: at(50), untilMs: now + 70 * minuteMs, reason: 'The door is being repaired' },
  }
  const alerts: ApiAlert[] = [
    mockAlert({ ...own, rule: 'freezer-warm', severity: 'critical', start: at(12), labels: { team: 'kitchen' } }),
    mockAlert({
      ...{ ...whole, rule: 'agent-offline', severity: 'critical', cause: 'agent-offline', start: at(34) },
      ...{ device: null, metric: null, agent: 'dock', message: `agent dock of ${site} is offline` },
      acknowledged: { by: 'Ada', atMs: at(30), note: 'Power cut at the dock until noon' },
    }),
    mockAlert({
      ...{ ...whole, rule: 'device-silent', cause: 'device-silent', device, metric: null, start: at(7) },
      message: `nothing heard from ${device} for five minutes`,
    }),
    mockAlert({ ...own, rule: 'door-open', severity: 'info', start: at(48), silencedBy: silence.id }),
    mockAlert({
      ...{ ...own, rule: 'freezer-warm', state: 'cleared', change: 'cleared', rev: 1 },
      ...{ start: at(95), raised: at(94), end: at(88), learned: at(60) },
    }),
    mockAlert({
      ...{ ...own, rule: 'freezer-warm', state: 'withdrawn', change: 'withdrawn', rev: 1 },
      ...{ start: at(150), raised: at(149), learned: at(140) },
    }),
    mockAlert({
      ...{ ...own, rule: 'pressure-falls', state: 'cleared', change: 'moved', severity: 'info' },
      ...{ start: at(220), raised: at(219), end: at(190), learned: at(180) },
      movedFrom: `pressure-falls/${site}/${device}/${metric}/${at(215)}`,
    }),
  ]
  const evaluators = [
    { evaluator: 'ingest', version: '5d41402abc4b', rules: 9, active: 3, behind: 0, problem: null, channels },
    {
      ...{ evaluator: `${site}/edge`, version: '5d41402abc4b', rules: 7, active: 1, channels: [] },
      problem: 'fleet.yaml: rules[2].above: found "eight", expected a number',
    },
  ]
  return { at: now, alerts, silences: [silence], evaluators } satisfies AlertsResponse
}

export function mockRules(now: number, { evaluators }: Pick<AlertsResponse, 'evaluators'>): RulesResponse {
  const rule = { kind: 'threshold', cause: 'value', version: '0a1b2c3d4e5f' } as const
  return {
    ...{ at: now, version: '5d41402abc4b', problem: null, evaluators },
    rules: [
      { ...rule, id: 'freezer-warm', at: 'edge', severity: 'critical' },
      { ...rule, id: 'door-open', at: 'edge', severity: 'info' },
      { ...rule, id: 'agent-offline', at: 'cloud', kind: 'silence', cause: 'agent-offline', severity: 'critical' },
      { ...rule, id: 'greenhouse-cold', at: 'grafana', severity: 'warning' },
    ],
  }
}
