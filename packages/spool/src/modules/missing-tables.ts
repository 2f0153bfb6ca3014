import type { Spool } from '../types.ts'

const named = /^\s*CREATE\s+(?:UNIQUE\s+)?(?:TABLE|INDEX|TRIGGER)\s+(?:IF\s+NOT\s+EXISTS\s+)?"?(\w+)/i

/**
 * Makes the tables, indexes and triggers of a schema that a spool does not have yet, in one transaction: for parts that
 * came after the spool's file was made. What is there by name stays as it is.
 */
export async function addMissingTables(spool: Spool, schema: readonly string[]): Promise<void> {
  const rows = await spool.read('SELECT name FROM sqlite_master')
  const known = new Set(rows.map(([name]) => String(name)))
  const missing = schema.filter((sql) => !known.has(named.exec(sql)?.[1] ?? ''))
  if (missing.length === 0) return
  await spool.write(
    missing.map((sql) => ({ sql, rows: [[]] })),
    { reserve: true },
  )
}
