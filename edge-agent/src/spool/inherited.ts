import { Outbox, type Spool } from '@millrace/spool'

export const inheritedTables: readonly string[] = [
  'CREATE TABLE IF NOT EXISTS inherited (n INTEGER PRIMARY KEY, spool TEXT NOT NULL) STRICT',
]

/** Messages made before a rollback, which keep the spool's name, number and bytes that they had. */
export interface InheritedMessages {
  /** Name of the spool that made them. */
  spool: string
  outbox: Outbox
}

export const inheritedTable = (n: number): string => `inherited_${n}`

/** Tables with nothing left in them go. */
export async function openInherited(spool: Spool): Promise<InheritedMessages[]> {
  const found: InheritedMessages[] = []
  for (const [n, name] of await spool.read('SELECT n, spool FROM inherited ORDER BY n')) {
    const table = inheritedTable(Number(n))
    const [row] = await spool.read(`SELECT EXISTS (SELECT 1 FROM ${table})`)
    if (row?.[0] === 1) found.push({ spool: String(name), outbox: new Outbox(table) })
    else await spool.write([`DROP TABLE ${table}`, `DELETE FROM inherited WHERE n = ${n}`].map(once), { reserve: true })
  }
  return found
}

const countGaveUp = `UPDATE rolled_back SET about = json_set(about, '$.gaveUp', coalesce(about ->> '$.gaveUp', 0) + ?)
  WHERE n = (SELECT max(n) FROM rolled_back)`

/** Gives up the oldest, for a full spool; resolves with how many. Their readings are in the accounts of the spool before. */
export async function dropInherited(spool: Spool, inherited: readonly InheritedMessages[], limit: number) {
  for (const { outbox } of inherited) {
    const messages = await outbox.oldest(spool, limit, 'alerts')
    if (messages.length === 0) continue
    const gone = messages.flatMap(({ site, seq }) => outbox.settle(site, -1, [[seq, seq]]))
    await spool.write([...gone, { sql: countGaveUp, rows: [[messages.length]] }], { reserve: true })
    return messages.length
  }
  return 0
}

const once = (sql: string) => ({ sql, rows: [[]] })
