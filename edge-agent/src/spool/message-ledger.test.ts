import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { outbox, type Spool } from '@millrace/spool'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { AgentSpool } from './agent-spool.ts'
import { beginAnew } from './begin-anew.ts'
import { MessageLedger } from './message-ledger.ts'

const options = () => ({ folder, maxBytes: 32 * 1024 * 1024 })
const start = { isNew: false, numbers: new Map(), before: { accepted: 0, open: 0 }, maxKeptBytes: 1_000 }
let folder: string
let spool: AgentSpool
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-ledger-'))
  spool = await AgentSpool.open(options())
})
afterEach(async () => {
  await spool.close()
  rmSync(folder, { recursive: true, force: true })
})

const message = (seq: number) => ({ site: 'hall', seq, kind: 'summaries', bytes: new Uint8Array(1), atMs: 0 })
const make = async (ledger: MessageLedger, seq: number) => {
  await spool.file.write(outbox.add(message(seq)))
  ledger.made([{ site: 'hall', seq }])
}

it('a message made while the waiting ones are counted is not taken for lost', async () => {
  const meanwhile: (() => Promise<void>)[] = []
  const file: Spool = {
    ...spool.file,
    async read(sql, params) {
      const rows = await spool.file.read(sql, params)
      if (sql.includes('FROM outbox GROUP BY')) await meanwhile.shift()?.()
      return rows
    },
  }
  const ledger = await MessageLedger.open(file)
  await make(ledger, 0)
  meanwhile.push(() => make(ledger, 1))
  expect(await ledger.lost()).toBe(0)
  await spool.file.write(outbox.settle('hall', 1, []))
  expect(await ledger.lost()).toBe(2)
})

it('what a spool gave up before it began anew hides no message that is lost since', async () => {
  const ledger = await MessageLedger.open(spool.file)
  for (const seq of [0, 1]) await make(ledger, seq)
  const gaveUp = [0, 1].map((seq) => ({ site: 'hall', seq, readings: 3 }))
  await spool.commit({ entries: [], names: [], setAside: [], gaveUp })
  await spool.beginStart(start)
  await beginAnew(spool.file, { firstStart: 1, about: { atMs: 0, accepted: 0, ofFirstLife: 0 } })
  await spool.close()
  spool = await AgentSpool.open(options())
  const anew = await MessageLedger.open(spool.file)
  await make(anew, 0)
  await spool.file.write(outbox.settle('hall', 0, []))
  expect(await anew.lost()).toBe(1)
})
