import type { Receipt } from '@millrace/contracts'
import { addMissingTables, outbox, type Spool, type Statement, values } from '@millrace/spool'
import { RangeSet } from '@millrace/windows'

type Named = Pick<Receipt, 'upTo' | 'ranges'>

/**
 * Which messages were made, and which the far side has by its own word. Kept apart from the outbox, so that a message
 * which never came into it, or left it unreceipted, is missed: each is receipted, waiting or given up, or it is lost.
 */
export class MessageLedger {
  readonly #spool: Spool
  readonly #receipted = new Map<string, RangeSet>()
  /** Next number of each site. */
  readonly #next = new Map<string, number>()

  private constructor(spool: Spool) {
    this.#spool = spool
  }

  static async open(spool: Spool): Promise<MessageLedger> {
    const ledger = new MessageLedger(spool)
    await addMissingTables(spool, values.schema)
    const prefix = ledger.#key('')
    for (const [key, bytes] of await values.all(spool, prefix)) {
      ledger.#receipted.set(key.slice(prefix.length), RangeSet.decode(bytes))
    }
    for (const [site, seq] of await outbox.lastSeqs(spool)) {
      ledger.#next.set(site, seq + 1)
      if (!ledger.#receipted.has(site)) ledger.#receipted.set(site, await believed(spool, site, seq + 1))
    }
    return ledger
  }

  /** These are on disk. */
  made(messages: readonly { site: string; seq: number }[]): void {
    for (const { site, seq } of messages) this.#next.set(site, Math.max(this.#next.get(site) ?? 0, seq + 1))
  }

  /** To be written with what the receipt settles; `done` once it is on disk. */
  receipted(site: string, { upTo, ranges }: Named): { statements: Statement[]; done(): void } {
    const known = this.#receipted.get(site)
    const receipted = known ? RangeSet.decode(known.encode()) : new RangeSet()
    if (upTo >= 0) receipted.addRange(0, upTo)
    for (const [from, to] of ranges) receipted.addRange(from, to)
    return {
      statements: values.put(this.#key(site), receipted.encode()),
      done: () => this.#receipted.set(site, receipted),
    }
  }

  /** Messages that are nowhere. */
  async lost(): Promise<number> {
    // As of before the disk is looked at: what is made meanwhile is not yet missed.
    const made = [...this.#next]
    const waiting = await counts(this.#spool, 'SELECT site, count(*) FROM outbox GROUP BY site')
    const givenUp = await counts(this.#spool, 'SELECT site, messages FROM dropped')
    let lost = 0
    for (const [site, next] of made) {
      const known = this.#receiptedBelow(site, next) + (waiting.get(site) ?? 0) + (givenUp.get(site) ?? 0)
      lost += Math.max(0, next - known)
    }
    return lost
  }

  #receiptedBelow(site: string, next: number): number {
    const ranges = this.#receipted.get(site)?.ranges() ?? []
    return ranges.reduce((sum, [from, to]) => sum + Math.max(0, Math.min(to + 1, next) - from), 0)
  }

  #key(site: string): string {
    return `receipted/${this.#spool.name}/${site}`
  }
}

/** In a spool of an earlier release: what has left the outbox was receipted. */
async function believed(spool: Spool, site: string, next: number): Promise<RangeSet> {
  const rows = await spool.read('SELECT seq FROM outbox WHERE site = ? ORDER BY seq', [site])
  const gone = new RangeSet()
  let from = 0
  for (const waiting of [...rows.map(([seq]) => Number(seq)), next]) {
    if (waiting > from) gone.addRange(from, waiting - 1)
    from = waiting + 1
  }
  return gone
}

async function counts(spool: Spool, sql: string): Promise<Map<string, number>> {
  return new Map((await spool.read(sql)).map(([site, count]) => [String(site), Number(count)]))
}
