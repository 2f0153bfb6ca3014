import type { AccountsResponse, SeriesInfo, SummariesResponse } from '@millrace/contracts'
import { afterEach, expect, it } from 'vitest'
import { until } from '../packages/pipeline/testing/index.ts'
import { clean, RunningStack, run, temporaryFolder } from './stack.ts'

let stack: RunningStack | undefined
afterEach(async () => await stack?.remove())

it('history and live readings appear, verify is clean, a second start goes on, and Ctrl-C ends it within 5 s', async () => {
  const dataDir = temporaryFolder()
  stack = await RunningStack.start(dataDir, '--window', '5s', '--history', '3m', '--seed', '7')
  const isLive = async () => {
    const series = await stack!.get<SeriesInfo[]>('/api/series')
    const fresh = series.filter(({ lastTs }) => Date.now() - lastTs < 15_000)
    return fresh.length > 20 && fresh.some(({ device }) => device === 'this-machine') ? series : undefined
  }
  const series = (await until(isLive, { withinMs: 25_000, everyMs: 200, label: 'live readings of many series' }))!
  const { site, device, metric } = series.find((info) => info.device !== 'this-machine')!
  const query = new URLSearchParams({
    site,
    device,
    metric,
    from: String(Date.now() - 180_000),
    to: String(Date.now()),
  })
  const isStored = async () => {
    const { summaries } = await stack!.get<SummariesResponse>(`/api/summaries?${query}`)
    return summaries.filter(({ provisional }) => !provisional).length > 10
  }
  await until(isStored, { withinMs: 25_000, everyMs: 200, label: 'history in the store' })

  const second = await run('up', '--no-keys', '--data-dir', dataDir)
  expect(second).toMatchObject({ code: 2 })
  expect(second.stderr).toContain(`process ${stack.pid}`)

  expect(await stack.verify()).toMatchObject({ ok: true, ...clean })
  const { total } = await stack.get<AccountsResponse>('/api/accounts')
  expect(total).toMatchObject({ unaccounted: 0 })
  const { code, tookMs } = await stack.stop()
  expect(code).toBe(0)
  // Its own deadlines are five seconds in all; a busy machine takes a moment more to end processes.
  expect(tookMs).toBeLessThan(7_500)

  stack = await RunningStack.start(dataDir, '--window', '5s', '--history', '3m', '--seed', '7')
  await stack.endSimulator()
  const verdict = await stack.verify('--wait')
  expect(verdict).toMatchObject({ ok: true, ...clean })
  expect(verdict.windows).toBeGreaterThan(500)
})
