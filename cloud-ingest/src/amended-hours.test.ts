import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manualClock, silentLogger } from '@millrace/pipeline'
import { test } from 'vitest'
import { stores } from './store/index.ts'
import { checkAmendedHours } from './testing/amended-hours.ts'
import { noon } from './testing/rows.ts'

test('hours and days in DuckDB are right after every amendment of a minute', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-amended-store-'))
  const store = await stores.create({ type: 'duckdb' }, { dataDir, clock: manualClock(noon), log: silentLogger })
  try {
    await checkAmendedHours({ store, nowMs: noon, messages: 20 })
  } finally {
    await store.close()
    rmSync(dataDir, { recursive: true })
  }
})
