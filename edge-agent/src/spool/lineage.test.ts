import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Receipt } from '@millrace/contracts'
import { openSpool, type Spool } from '@millrace/spool'
import type { JournalEntry } from '@millrace/windows'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Lineage } from './lineage.ts'
import { lineageTables } from './lineage-rows.ts'

const mebibyte = 1024 * 1024
const site = 'hall'
const entry: JournalEntry = { kind: 'start', epoch: 'e' }

let folder: string
let spool: Spool
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-lineage-'))
  spool = await open()
})
afterEach(async () => {
  await spool.close()
  rmSync(folder, { recursive: true, force: true })
})

const open = () =>
  openSpool({
    ...{ folder, application: 'test', version: 1, schema: lineageTables },
    ...{ maxBytes: 32 * mebibyte, reserveBytes: 8 * mebibyte },
  })

async function begin({ isNew = false, newest = 4, maxKeptBytes = 1_000 } = {}): Promise<Lineage> {
  const numbers = new Map(newest < 0 ? [] : [[site, newest]])
  return await Lineage.begin(spool, { isNew, numbers, before: { accepted: 10, open: 3 }, maxKeptBytes })
}

/** A new start on the same file. */
async function again(newest = 4): Promise<Lineage> {
  await spool.close()
  spool = await open()
  return await begin({ newest })
}

const receipt = (upTo: number, more: Partial<Receipt> = {}): Receipt => ({
  spool: spool.name,
  upTo,
  ranges: [],
  ...more,
})
const standing = (newest: number, { to = spool.epoch, epochs = [] as string[] } = {}): Receipt =>
  receipt(-1, { greets: true, standing: { to, sites: [{ site, newest, epochs }] } })

it('a file made just now has no copy; every later start asks', async () => {
  expect((await begin({ isNew: true, newest: -1 })).pending).toBe(false)
  expect((await again()).pending).toBe(true)
})

it('an ingest that has the newest number made before, and no more, confirms; one number more is of another life', async () => {
  const lineage = await begin()
  expect(lineage.judge(site, standing(4), 4)).toMatchObject({ confirms: true })
  expect(lineage.judge(site, standing(5), 9)).toEqual({ settles: false, confirms: false, fork: { firstStart: 1 } })
  expect(lineage.judge(site, standing(0), 9).fork).toBeUndefined()
})

it('a site of which nothing was made has no number that could be its own', async () => {
  const lineage = await begin({ newest: -1 })
  expect(lineage.judge(site, standing(-1), 0)).toMatchObject({ confirms: true })
  expect(lineage.judge(site, standing(0), 0).fork).toEqual({ firstStart: 1 })
})

it('an answer to another start decides nothing', async () => {
  const lineage = await begin()
  const judgement = lineage.judge(site, standing(99, { to: 'another' }), 9)
  expect(judgement).toEqual({ settles: true, confirms: false })
  expect(lineage.judge(site, standing(0, { to: 'another' }), 9).confirms).toBe(false)
})

it('while nothing is confirmed a receipt settles only what was made before, also where ranges lie above it', async () => {
  const lineage = await begin()
  expect(lineage.judge(site, receipt(4, { greets: true }), 9)).toEqual({ settles: true, confirms: false })
  expect(lineage.judge(site, receipt(2, { greets: true, ranges: [[5, 5]] }), 9).settles).toBe(false)
})

it('an ingest that does not answer confirms by its numbers, and is not believed of others', async () => {
  const lineage = await begin()
  expect(lineage.judge(site, receipt(4), 9)).toEqual({ settles: true, confirms: true })
  expect(lineage.judge(site, receipt(5), 9)).toEqual({ settles: false, confirms: false })
})

it('once confirmed, a receipt for a number never made is a reason to ask, and none to begin anew', async () => {
  const lineage = await begin()
  await lineage.confirm()
  expect(lineage.judge(site, receipt(7), 7)).toEqual({ settles: true, confirms: false })
  expect(lineage.judge(site, receipt(8), 7)).toEqual({ settles: false, confirms: false, doubts: true })
})

it('in doubt, the answer decides: the numbers made until then confirm, one more is of another life', async () => {
  const lineage = await begin()
  await lineage.confirm()
  await lineage.doubt(new Map([[site, 7]]), { accepted: 20, open: 5 })
  expect(lineage.status.confirmed).toBe(false)
  expect(lineage.judge(site, receipt(8, { greets: true }), 9)).toEqual({ settles: false, confirms: false })
  expect(lineage.judge(site, standing(7), 9)).toMatchObject({ confirms: true })
  expect(lineage.judge(site, standing(8), 9).fork).toBeDefined()
  expect(lineage.before).toEqual({ accepted: 20, open: 5 })
})

it('what is kept in doubt is of this life alone, though the ingest knows the start and the doubt before it was dispelled', async () => {
  const lineage = await begin()
  await lineage.confirm()
  for (let doubts = 0; doubts < 2; doubts++) {
    await lineage.doubt(new Map([[site, 7]]), { accepted: 0, open: 0 })
    await spool.write(lineage.kept(entry, new Uint8Array(8)))
    if (doubts === 0) await lineage.confirm()
  }
  const known = [spool.epoch]
  const { fork } = lineage.judge(site, standing(8, { epochs: known }), 7)
  expect(await spool.read('SELECT start FROM kept_journal')).toEqual([[fork!.firstStart]])
  const next = await again(7)
  await spool.write(next.kept(entry, new Uint8Array(8)))
  const { firstStart } = next.judge(site, standing(8, { epochs: known }), 7).fork!
  expect(await spool.read(`SELECT count(*) FROM kept_journal WHERE start >= ${firstStart}`)).toEqual([[2]])
})

it('while it is being confirmed nothing else is concluded', async () => {
  const lineage = await begin()
  const confirming = lineage.confirm()
  expect(lineage.judge(site, standing(5), 9)).toEqual({ settles: true, confirms: false })
  await confirming
})

it('starts that the ingest knows of are of the first life: what was kept counts from the one after them', async () => {
  await begin()
  const first = spool.epoch
  const second = await again()
  expect(second.judge(site, standing(9, { epochs: [first] }), 4).fork).toEqual({ firstStart: 2 })
  expect(second.judge(site, standing(9, { epochs: ['unheard'] }), 4).fork).toEqual({ firstStart: 1 })
})

it('a start without an answer leaves the line where it was for the next', async () => {
  await begin({ newest: 4 })
  const next = await again(20)
  expect(next.judge(site, standing(5), 20).fork).toEqual({ firstStart: 1 })
  await next.confirm()
  expect((await again(20)).judge(site, standing(20), 20).confirms).toBe(true)
})

it('what is kept is bounded, and a start that gave it up says so', async () => {
  const lineage = await begin({ maxKeptBytes: 10 })
  await spool.write(lineage.kept(entry, new Uint8Array(8)))
  expect(lineage.status).toEqual({ confirmed: false, keptBytes: 8, lapsed: false })
  await spool.write(lineage.kept(entry, new Uint8Array(8)))
  expect(lineage.status.lapsed).toBe(true)
  expect((await again()).status).toMatchObject({ keptBytes: 8, lapsed: true })
})

it('confirmed, nothing is kept any longer', async () => {
  const lineage = await begin()
  await spool.write(lineage.kept(entry, new Uint8Array(8)))
  await lineage.confirm()
  expect(lineage.kept(entry, new Uint8Array(8))).toEqual([])
  expect(await spool.read('SELECT count(*) FROM kept_journal')).toEqual([[0]])
})
