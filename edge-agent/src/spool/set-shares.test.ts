import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { CheckpointRecord, WindowRecord } from '../checkpoint.ts'
import { AgentSpool } from './agent-spool.ts'

let folder: string
let spool: AgentSpool
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-shares-'))
  spool = await AgentSpool.open({ folder, maxBytes: 32 * 1024 * 1024 })
})
afterEach(async () => {
  await spool.close()
  rmSync(folder, { recursive: true, force: true })
})

const nothing: CheckpointRecord = {
  ...{ journalUpTo: 0, windows: [], completeness: [], floors: [], messages: [], reports: [], setAside: [] },
  changes: {
    ...{ windows: [], completeness: [], devices: [], unstamped: [], global: undefined },
    ...{ deletedWindows: [], deletedCompleteness: [], deletedUnstamped: [] },
  },
}
const place = { device: 1, series: 1, start: 60_000, lengthMs: 60_000 }
const windowOf = (rev: number, more: Partial<WindowRecord>): WindowRecord => {
  const set = { rev, count: 3, amended: 0, duplicate: 0, unstamped: 0, bytes: new Uint8Array(1) }
  return { ...place, set, message: 9, ...more }
}
const put = (window: WindowRecord) => spool.checkpoint({ ...nothing, windows: [window] }, 0)
const load = async () => {
  const closing = { ...place, maxReadings: 1, duplicates: 0, rows: {} as never }
  return (await spool.loader.windows([closing]))[0]?.shares
}

it('the messages that brought the readings of a set are kept once it was amended, and go with the set', async () => {
  await put(windowOf(0, { shares: [[5, 3]] }))
  expect(await load()).toBeUndefined()
  const shares = [[5, 2] as const, [9, 1] as const]
  await put(windowOf(1, { shares }))
  expect(await load()).toEqual(shares)
  await put(windowOf(1, {}))
  expect(await load()).toEqual(shares)
  await put(windowOf(2, { shares: [[12, 4]] }))
  expect(await load()).toEqual([[12, 4]])
  await spool.checkpoint({ ...nothing, floors: [{ device: 1, setsFromMs: 120_000 }] }, 0)
  expect(await spool.file.read('SELECT count(*) FROM set_shares')).toEqual([[0]])
})
