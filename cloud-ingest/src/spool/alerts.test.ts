import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manualClock, silentLogger } from '@millrace/pipeline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { alertOf } from '../testing/alerts.ts'
import { noon } from '../testing/rows.ts'
import { saveAlerts } from './alert-statements.ts'
import { Custody } from './index.ts'

const dayMs = 86_400_000
let dataDir: string
let custody: Custody
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-alerts-'))
  const committed = () => undefined
  custody = await Custody.open({ dataDir, maxBytes: 2 ** 26, clock: manualClock(noon), log: silentLogger, committed })
})
afterEach(async () => {
  await custody.close()
  rmSync(dataDir, { recursive: true })
})

const over = (device: string) => alertOf({ device, rev: 1, state: 'cleared', change: 'cleared', end: noon + 60_000 })
const save = async (...alerts: ReturnType<typeof alertOf>[]) => await custody.spool.write(saveAlerts(alerts, noon))
const all = { from: 0, to: 2 * noon, limit: 1_000 }
const devices = async () => (await custody.alerts.list(all)).map(({ device }) => device).sort()

test('alerts that are over go after 90 days, once every store has them; active ones stay', async () => {
  await save(over('a'), alertOf({ device: 'b' }), over('c'))
  const head = await custody.alerts.head()
  await custody.purgeAlerts(noon + 89 * dayMs, head)
  await custody.purgeAlerts(noon + 91 * dayMs, head - 1)
  expect(await devices()).toEqual(['b', 'c'])
  await custody.purgeAlerts(noon + 91 * dayMs, head)
  expect(await devices()).toEqual(['b'])
})

test('a place in the log is never given out twice, so a reader misses no change', async () => {
  await save(over('a'))
  const { upTo } = await custody.alerts.read(0, 10)
  await custody.purgeAlerts(noon + 91 * dayMs, upTo)
  await save(alertOf({ device: 'b' }))
  const next = await custody.alerts.read(upTo, 10)
  expect(next.alerts.map(({ device }) => device)).toEqual(['b'])
  expect(next.upTo).toBeGreaterThan(upTo)
})

test('a change takes the place of the one before it, and an older or equal revision changes nothing', async () => {
  const first = alertOf()
  await save(first, over('pump'), first, alertOf({ message: 'an equal revision of other words' }))
  await save(first, { ...over('pump'), message: 'said twice' })
  const { alerts } = await custody.alerts.read(0, 10)
  expect(alerts).toEqual([over('pump')])
  expect(await custody.alerts.behind(0)).toBe(1)
})
