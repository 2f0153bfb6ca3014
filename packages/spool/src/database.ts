import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { isFull, isNoRoom, SpoolFailure } from './failure.ts'
import type { HeldRoom } from './held-room.ts'
import type { SpoolOptions, SpoolUsage, SqlValue, Statement } from './types.ts'

const maxCachedStatements = 500

export interface SpoolDatabase {
  write(statements: readonly Statement[], reserve: boolean): void
  read(sql: string, params: readonly SqlValue[]): SqlValue[][]
  usage(): SpoolUsage
}

function cachedStatements(database: DatabaseSync): (sql: string) => StatementSync {
  const cache = new Map<string, StatementSync>()
  return (sql) => {
    let statement = cache.get(sql)
    if (!statement) {
      if (cache.size >= maxCachedStatements) cache.clear()
      statement = database.prepare(sql)
      statement.setReturnArrays(true)
      cache.set(sql, statement)
    }
    return statement
  }
}

function runAll(prepare: (sql: string) => StatementSync, statements: readonly Statement[]): void {
  for (const { sql, rows } of statements) {
    const statement = prepare(sql)
    for (const row of rows) statement.run(...row)
  }
}

/** Room that was given up on a full disk is not for ordinary writes: they would leave none to empty the spool with. */
function lacksRoom(held: HeldRoom, freeInFile: () => number): boolean {
  const missing = held.missingBytes()
  return missing > 0 && held.freeBytes() + freeInFile() < missing
}

/**
 * One connection with two limits: SQLite holds the file under maxBytes; below that, an ordinary write that would
 * end inside the reserve is rolled back, unless it leaves less in use than it found. Freed pages count as free,
 * so the reserve cannot be eaten up by reusing them.
 */
export function spoolDatabase(database: DatabaseSync, options: SpoolOptions, held: HeldRoom): SpoolDatabase {
  const { maxBytes, reserveBytes } = options
  const prepare = cachedStatements(database)
  const number = (sql: string) => Number((prepare(sql).get() as unknown as SqlValue[])[0])
  const pageBytes = number('PRAGMA page_size')
  const usedPages = () => number('PRAGMA page_count') - number('PRAGMA freelist_count')
  const openPages = Math.floor((maxBytes - reserveBytes) / pageBytes)
  database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / pageBytes))}`)
  let used = usedPages()
  const isTight = () => lacksRoom(held, () => number('PRAGMA freelist_count') * pageBytes)

  const fullError = () => {
    const bytes = `${used * pageBytes} of ${maxBytes} bytes used, ${reserveBytes} of them in reserve`
    return new SpoolFailure(
      'spool-full',
      `no room for this write: ${bytes}; ${held.freeBytes()} bytes free on the disk`,
    )
  }
  const commit = (statements: readonly Statement[], reserve: boolean) => {
    if (!reserve && isTight()) throw fullError()
    runAll(prepare, statements)
    const usedAfter = usedPages()
    if (!reserve && usedAfter > openPages && usedAfter > used) throw fullError()
    prepare('COMMIT').run()
    return usedAfter
  }
  const write = (statements: readonly Statement[], reserve: boolean) => {
    prepare('BEGIN IMMEDIATE').run()
    try {
      used = commit(statements, reserve)
    } catch (error) {
      if (database.isTransaction) prepare('ROLLBACK').run()
      throw isFull(error) ? fullError() : error
    }
  }
  return {
    write(statements, reserve) {
      try {
        write(statements, reserve)
      } catch (error) {
        if (!reserve || !isNoRoom(error) || !held.release()) throw error
        write(statements, reserve)
      }
      if (reserve) held.refill()
    },
    read: (sql, params) => prepare(sql).all(...params) as unknown as SqlValue[][],
    usage: () => ({ bytes: used * pageBytes, maxBytes, tight: isTight() }),
  }
}
