import type { Spool, Statement } from '@millrace/spool'
import type { Verdict } from '../checkpoint.ts'

/** State of the rules as of the last checkpoint, by key; spools of earlier releases lack it. */
export const ruleTables: readonly string[] = [
  'CREATE TABLE IF NOT EXISTS rule_state (key TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID',
]

const put = 'INSERT INTO rule_state VALUES (?, ?) ON CONFLICT DO UPDATE SET bytes = excluded.bytes'
const forget = 'DELETE FROM rule_state WHERE key = ?'

export const forgetRuleState = 'DELETE FROM rule_state'

/** State and notices of a checkpoint. */
export function verdictStatements({ state, statements }: Verdict): Statement[] {
  const kept: [string, Uint8Array][] = []
  const gone: [string][] = []
  // The last word on a key counts.
  for (const [key, bytes] of new Map(state.map(({ key, bytes }) => [key, bytes]))) {
    if (bytes === null) gone.push([key])
    else kept.push([key, bytes])
  }
  const ofState = [
    { sql: put, rows: kept },
    { sql: forget, rows: gone },
  ]
  return [...ofState.filter(({ rows }) => rows.length > 0), ...statements]
}

export async function readRuleState(spool: Spool): Promise<Map<string, Uint8Array>> {
  const rows = await spool.read('SELECT key, bytes FROM rule_state ORDER BY key')
  return new Map(rows.map(([key, bytes]) => [String(key), bytes as Uint8Array]))
}
