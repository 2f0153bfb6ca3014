import type { AlertsResponse, ApiAlert } from '@millrace/contracts'
import { afterEach, expect, it } from 'vitest'
import { until } from '../packages/pipeline/testing/index.ts'
import { RunningStack, run, temporaryFolder } from './stack.ts'

let stack: RunningStack | undefined
afterEach(async () => await stack?.remove())

const minuteMs = 60_000
const rule = 'cold-store-warm'

async function alerts(query: string): Promise<ApiAlert[]> {
  return (await stack!.get<AlertsResponse>(`/api/alerts?limit=1000&${query}`)).alerts
}

it('the starter rules raise and clear the one alert of the default fleet within five minutes of event time, and no other value is bad; a backtest tells the same', async () => {
  const startedMs = Date.now()
  stack = await RunningStack.start(temporaryFolder(), '--seed', '1', '--speed', '20', '--duration', '20m')
  const seen = async () => (await alerts(`rule=${rule}`)).filter(({ state }) => state === 'cleared').length >= 2
  await until(seen, { withinMs: 75_000, everyMs: 300, label: 'two alerts, raised and cleared' })
  const own = await alerts(`rule=${rule}`)
  for (const alert of own) {
    expect(alert).toMatchObject({ owner: 'edge', site: 'harbour-works', device: 'cold-store', metric: 'temperature' })
    expect(alert.id).toBe(`${rule}/harbour-works/cold-store/temperature/${alert.start}`)
    expect(alert.start % (3 * minuteMs)).toBe(0)
    expect(alert.value).toBeGreaterThan(8)
  }
  const over = own.filter(({ state }) => state === 'cleared')
  const first = Math.min(...over.map(({ start }) => start))
  expect(over.every(({ start, end }) => end! - start === minuteMs)).toBe(true)
  expect(first + minuteMs).toBeLessThan(startedMs - 20 * minuteMs + 6 * minuteMs)
  // Silence is judged in event time, of which twenty seconds pass in one here: a busy machine may look silent.
  const others = (await alerts('')).filter((alert) => alert.rule !== rule && alert.device !== 'this-machine')
  expect(others.filter(({ cause }) => cause === 'value')).toEqual([])
  const { evaluators } = await stack.get<AlertsResponse>('/api/alerts')
  expect(evaluators.every(({ problem, rules }) => problem === null && rules > 0)).toBe(true)
  expect(evaluators.length).toBe(2)

  const from = new Date(startedMs - 30 * minuteMs).toISOString()
  const backtest = await run('rules', 'backtest', '--data-dir', stack.dataDir, '--from', from, '--json')
  expect(backtest).toMatchObject({ code: 0, stderr: '' })
  const past = (JSON.parse(backtest.stdout) as { alerts: ApiAlert[] }).alerts
  const told = ({ id, start, raised, end, value }: ApiAlert) => ({ id, start, raised, end, value })
  expect(past.map(told)).toEqual(expect.arrayContaining(over.map(told)))

  const { code } = await stack.stop()
  expect(code).toBe(0)
}, 90_000)
