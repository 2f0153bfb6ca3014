import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manualClock, silentLogger } from '@millrace/pipeline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Store } from '../stored.ts'
import { minuteMs, noon, type RowSpec, storedRow } from '../testing/rows.ts'
import { StepByStep } from '../testing/step-by-step.ts'
import { StoreAudit } from './audit.ts'
import { stores } from './index.ts'

const clock = manualClock(noon + 5 * minuteMs)
let dataDir: string
let store: Store
let steps: StepByStep
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-audit-'))
  store = await stores.create({ type: 'duckdb' }, { dataDir, clock, log: silentLogger })
  steps = await StepByStep.open({ dataDir, store, clock })
})
afterEach(async () => {
  await steps.close()
  await store.close()
  rmSync(dataDir, { recursive: true })
})

const write = (spec: RowSpec) => store.write({ rows: [storedRow(spec)], completeness: [] })

/** What a look finds now, and whether a start would feed the store again. */
async function judge(more: { shared?: boolean } = {}) {
  const { stock, log } = steps.custody
  const options = { name: 'tested', store, stock, clock, logger: silentLogger, accountable: true, ...more }
  const audit = new StoreAudit(options)
  await audit.look(log.head())
  return { unaccounted: audit.unaccounted, lacks: await audit.lacks(log.head()) }
}

test('rows that are missing, and rows that nobody sent, are differences', async () => {
  await steps.send({ rows: [{ values: [1, 2, 3] }, { device: 'fan', values: [1, 2, 3] }] })
  expect(await judge()).toEqual({ unaccounted: 0, lacks: false })
  await write({ start: noon + minuteMs, values: [1, 2] })
  expect(await judge()).toEqual({ unaccounted: 2, lacks: false })
  await write({ device: 'fan', values: [1] })
  expect(await judge()).toEqual({ unaccounted: 4, lacks: true })
})

test('a refused revision of a row that is stored is none: the store has the one before', async () => {
  await steps.send({ seq: 0, rows: [{ values: [1, 2, 3] }, { start: noon + minuteMs, values: [7] }] })
  await steps.send({ seq: 1, rows: [{ rev: 1, values: [1, 2, 3, 4, 5] }] }, ({ columns }) => {
    columns.min[0] = 99
  })
  expect((await steps.custody.accounts(0)).total).toMatchObject({ held: 1, refused: 5 })
  expect(await judge()).toEqual({ unaccounted: 0, lacks: false })
})

test('in a shared store rows of other ingests are none, and what is missing still is', async () => {
  await steps.send({ rows: [{ values: [1, 2, 3] }, { device: 'fan', values: [1, 2, 3] }] })
  await write({ start: noon + minuteMs, values: [1, 2] })
  expect(await judge({ shared: true })).toEqual({ unaccounted: 0, lacks: false })
  await write({ device: 'fan', values: [1] })
  expect(await judge({ shared: true })).toEqual({ unaccounted: 2, lacks: true })
})
