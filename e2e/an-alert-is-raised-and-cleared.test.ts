import type { AlertsResponse, ApiAlert } from '@millrace/contracts'
import { afterEach, expect, it } from 'vitest'
import { until } from '../packages/pipeline/testing/index.ts'
import { RunningStack, run, temporaryFolder } from './stack.ts'

let stack: RunningStack | undefined
afterEach(async () => await stack?.remove())

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const rule = 'cold-store-warm'

async function alerts(query: string): Promise<ApiAlert[]> {
  return (await stack!.get<AlertsResponse>(`/api/alerts?limit=1000&${query}`)).alerts
}

it('the starter rules raise and clear the one alert of the default fleet within five minutes of the start, and no other value is bad; a backtest tells the same', async () => {
  const startedMs = Date.now()
  const t0Ms = startedMs - 20 * minuteMs
  stack = await RunningStack.start(temporaryFolder(), '--seed', '1', '--speed', '20', '--duration', '20m')
  // The one of the start has lasted longer than those of the past.
  const cleared = ({ state, start, end }: ApiAlert) => state === 'cleared' && end! > start + minuteMs
  const seen = async () => (await alerts(`rule=${rule}`)).some(cleared)
  await until(seen, { withinMs: 75_000, everyMs: 300, label: 'an alert, raised after the start and cleared' })
  const own = await alerts(`rule=${rule}`)
  for (const alert of own) {
    expect(alert).toMatchObject({ owner: 'edge', site: 'harbour-works', device: 'cold-store', metric: 'temperature' })
    expect(alert.id).toBe(`${rule}/harbour-works/cold-store/temperature/${alert.start}`)
    expect(alert.value).toBeGreaterThan(8)
  }
  const past = own.filter(({ end }) => end !== null && end <= t0Ms)
  expect(past.length).toBeLessThanOrEqual(6)
  for (const { start, end } of past) expect([start % hourMs, end! - start]).toEqual([0, minuteMs])
  const live = own.find(cleared)!
  expect(live.raised).toBeLessThan(t0Ms + 3 * minuteMs)
  expect(live.end).toBeLessThan(t0Ms + 5 * minuteMs)
  const over = own.filter(({ state }) => state === 'cleared')
  // Silence is judged in event time, of which twenty seconds pass in one here: a busy machine may look silent.
  const others = (await alerts('')).filter((alert) => alert.rule !== rule && alert.device !== 'this-machine')
  expect(others.filter(({ cause }) => cause === 'value')).toEqual([])
  const { evaluators } = await stack.get<AlertsResponse>('/api/alerts')
  expect(evaluators.every(({ problem, rules }) => problem === null && rules > 0)).toBe(true)
  expect(evaluators.length).toBe(2)

  const from = new Date(startedMs - 30 * minuteMs).toISOString()
  const backtest = await run('rules', 'backtest', '--data-dir', stack.dataDir, '--from', from, '--json')
  expect(backtest).toMatchObject({ code: 0, stderr: '' })
  const judged = (JSON.parse(backtest.stdout) as { alerts: ApiAlert[] }).alerts
  const told = ({ id, start, raised, end, value }: ApiAlert) => ({ id, start, raised, end, value })
  expect(judged.map(told)).toEqual(expect.arrayContaining(over.map(told)))

  const { code } = await stack.stop()
  expect(code).toBe(0)
})
